"""`vetgate verify`."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from vetgate.attestation import Statement, Trust, Wanted

_AGE = re.compile(r"(\d{1,6})\s*(s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@click.command("verify", short_help="Hold a signed verdict against a model before it is rolled out.")
@click.argument("model", metavar="MODEL")
@click.argument("attestation", metavar="ATTESTATION")
@click.option("--key", "keys", multiple=True, metavar="PUB", help="Public key that is trusted; may be given again.")
@click.option("--certificate-chain", metavar="ROOT", help="Root certificates that vouch for who signed.")
@click.option("--identity", metavar="NAME", help="Email, URI or DNS name that the signer's certificate must be of.")
@click.option("--issuer", metavar="URL", help="Who vouches for that identity, where Sigstore signed without a key.")
@click.option("--policy", metavar="NAME|FILE", help="The policy that must have been judged by.  [default: any]")
@click.option("--max-age", metavar="AGE", help="Oldest that counts, such as 12h or 30d.  [default: any]")
@click.option("--card", metavar="FILE", help="The model's card.  [default: MODEL.yaml, where it was vetted with one]")
@click.option("--report", metavar="FILE", help="A report that must be the one that the verdict was signed with.")
@click.option("--strict", is_flag=True, help="A warning counts as fail.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How it is told.  [default: text]"
)
def command(model: str, attestation: str, strict: bool, form: Literal["text", "json"], **options: Any) -> int:  # noqa: ANN401  # click's
    """Hold a signed verdict against MODEL; this is what a roll-out calls.

    Exits 0 where somebody trusted signed that exactly this model, with its card, passed; 1 where not, saying what
    differs; 2 where a file or a key is missing. Opens no model and asks nobody on a network.

    \b
        vetgate verify int8.onnx int8.onnx.intoto.jsonl --key release.pub --policy edge --max-age 30d
    """
    from vetgate.attestation import Demand, Files, verify
    from vetgate.domain.errors import Refused

    demand = Demand(
        files=Files(model, options["card"], options["report"]),
        trust=_trust(options["keys"], options["certificate_chain"], options["identity"], options["issuer"]),
        policy=_wanted(options["policy"]) if options["policy"] is not None else None,
        longest=parse_age(options["max_age"]) if options["max_age"] is not None else None,
        strict=strict,
    )
    content = _read(attestation)
    try:
        statement = verify(content, demand, datetime.datetime.now(datetime.UTC))
    except Refused as error:
        if form == "text":
            raise
        refused = {"verified": False, "cause": error.cause, "message": error.message, "hint": error.hint}
        click.echo(json.dumps(refused, indent=2))
        return 1
    if form == "json":
        click.echo(
            json.dumps({"verified": True, "statement": statement.model_dump(mode="json", by_alias=True)}, indent=2)
        )
        return 0
    _tell(model, statement)
    return 0


def _trust(keys: tuple[str, ...], chain: str | None, identity: str | None, issuer: str | None) -> Trust:
    """Return whose signature counts.

    Raises:
        UsageError: Nobody's, or two kinds are given, or a file cannot be read.
    """
    from vetgate.attestation import Identity, Trust, load_public, load_roots, require_sigstore
    from vetgate.domain.errors import UsageError

    ways = sum((bool(keys), chain is not None, issuer is not None))
    if ways != 1:
        told = "more than one is given" if ways else "whose signature counts?"
        raise UsageError(
            f"verify needs --key PUB, --certificate-chain ROOT, or --identity NAME with --issuer URL: {told}"
        )
    if chain is not None:
        return Trust(roots=load_roots(chain, identity))
    if issuer is not None:
        if identity is None:
            raise UsageError(f"whom does {issuer} vouch for?", hint="--identity NAME")
        require_sigstore()
        return Trust(identity=Identity(identity, issuer))
    if identity is not None:
        raise UsageError("--identity is of a certificate, and a key has none", hint="--certificate-chain ROOT")
    return Trust(load_public(keys))


def _wanted(name: str) -> Wanted:
    """Return the policy that a user demands; its file is not parsed yet.

    Raises:
        UsageError: There is none of this name.
    """
    from vetgate.attestation import Wanted
    from vetgate.host import find_plugins
    from vetgate.policy import find, load

    host = find_plugins()
    carried = host.policies()
    place = find(name, carried, None)
    file = str(place.path) if place.path is not None else None
    return Wanted(name, file, lambda: load(name, carried, host.metrics()).summary)


def _read(attestation: str) -> bytes:
    """Return no more of a file than an attestation may have.

    Raises:
        UsageError: It cannot be read.
    """
    from vetgate.attestation import LONGEST
    from vetgate.domain.errors import UsageError

    try:
        with Path(attestation).open("rb") as file:
            return file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"attestation {attestation} cannot be read: {told}") from None


def parse_age(text: str) -> datetime.timedelta:
    """Return the time that `30d`, `12 hours` or `90m` means.

    Raises:
        UsageError: It is no age.
    """
    from vetgate.domain.errors import UsageError

    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--max-age {text!r} is no age", hint="write 30d, 12h or 90m")
    return datetime.timedelta(seconds=int(found[1]) * _SECONDS[found[2][0]])


def _tell(model: str, statement: Statement) -> None:
    """Print what was verified, and what the reader of a roll-out's log should know of it."""
    claim = statement.predicate
    how = "passed" if claim.decision.value == "pass" else "passed with a warning under"
    when = f"{claim.time_verified.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC"
    lines = [f"verified: {model} {how} policy {claim.policy.name!r} ({claim.policy.uri}); signed {when}"]
    if claim.decision.value != "pass":
        lines.append(f"  {claim.because}")
    lines += [f"  waived: {waiver.rule}, else {waiver.decision.value}: {waiver.because}" for waiver in claim.waived]
    lines.append(f"  scan: {claim.scan.state.value if claim.scan.state else 'none was made'}")
    fallen = [wall.name for wall in claim.walls if not wall.stood]
    if fallen:
        lines.append(f"  walls that did not stand: {', '.join(fallen)}")
    click.echo("\n".join(_visible(line) for line in lines))


def _visible(line: str) -> str:
    """Return a line without what a terminal would obey: names come with models."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)
