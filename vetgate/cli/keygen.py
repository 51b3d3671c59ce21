"""`vetgate keygen`."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command("keygen", short_help="Make a pair of keys to sign verdicts with.")
@click.argument("name", default="vetgate", metavar="[NAME]")
@click.option("--no-password", is_flag=True, help="Leave the private key unencrypted.")
def command(name: str, no_password: bool) -> int:
    """Make an Ed25519 pair: NAME.key signs and stays secret, NAME.pub verifies.

    The private key is encrypted with a password, from VETGATE_KEY_PASSWORD or as typed. Nothing is written over.

    \b
        vetgate keygen release
        vetgate check int8.onnx --reference base.pt --data eval/ --attest release.key
        vetgate verify int8.onnx int8.onnx.intoto.jsonl --key release.pub
    """
    from vetgate.attestation import PASSWORD_VARIABLE, generate
    from vetgate.cli.attest import new_password
    from vetgate.domain.errors import UsageError

    password = None if no_password else new_password()
    if not password and not no_password:
        raise UsageError(
            "a private key needs a password", hint=f"set {PASSWORD_VARIABLE}, or use --no-password and guard the file"
        )
    private, public = Path(f"{name}.key"), Path(f"{name}.pub")
    for path in (private, public):
        if os.path.lexists(path):
            raise UsageError(f"{path} is there already, and a key is never written over", hint="choose another NAME")
    pair = generate(password)
    _write_new(private, pair.private, 0o600)
    try:
        _write_new(public, pair.public, 0o644)
    except UsageError:
        private.unlink(missing_ok=True)
        raise
    click.echo(f"{private}  signs; keep it secret{'' if password else ', it is not encrypted'}")
    click.echo(f"{public}  verifies; key {pair.keyid[:12]}")
    return 0


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist; nobody else can read it at any moment.

    Raises:
        UsageError: It exists or cannot be written.
    """
    from vetgate.domain.errors import UsageError

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
