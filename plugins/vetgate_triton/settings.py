"""How a server is let in to and asked: from variables of the user, which children do not have."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from vetgate.api import UsageError

HEADERS, AUTHORITY = "VETGATE_TRITON_HEADERS", "VETGATE_TRITON_CA"
CERTIFICATE, KEY = "VETGATE_TRITON_CERT", "VETGATE_TRITON_KEY"
SHARED, CONCURRENCY = "VETGATE_TRITON_SHARED_MEMORY", "VETGATE_TRITON_CONCURRENCY"
VARIABLES = {
    HEADERS: "file of lines `Name: value`, sent with every request; never in a report",
    AUTHORITY: "PEM file of who vouches for the server's certificate  [default: the system's]",
    CERTIFICATE: "PEM file of our own certificate, where the server asks for one",
    KEY: "PEM file of its private key",
    SHARED: "1 hands images over in shared memory, where the server runs on this machine",
    CONCURRENCY: "requests at once, 1 to 64  [default: 2]",
}
_MOST = 1 << 20
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*?)[ \t]*")
_OURS = frozenset((
    "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "accept-encoding", "connection",
    "keep-alive", "proxy-connection", "upgrade", "expect", "te", "trailer", "inference-header-content-length",
    "grpc-timeout", "grpc-encoding", "grpc-accept-encoding",
))  # fmt: skip
"""Headers that say how a message is framed, which is not the user's to say."""


class Keys(BaseModel):
    """What the process that asks a server needs; handed over in memory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    headers: dict[str, str] = {}
    tls: bool = False
    authority: str = ""
    """PEM."""
    certificate: str = ""
    key: str = ""
    shared: bool = False
    concurrency: int = 2

    def __repr__(self) -> str:
        return "Keys(...)"

    __str__ = __repr__

    def context(self, folder: Path) -> ssl.SSLContext:
        """Return how TLS is spoken: the certificate must hold, and for this host.

        Args:
            folder: Private; for what Python takes from files alone.

        Raises:
            UsageError: A certificate cannot be read.
        """
        try:
            context = ssl.create_default_context(cadata=self.authority or None)
            if self.certificate:
                own = folder / "certificate.pem"
                own.touch(0o600)
                try:
                    own.write_text(f"{self.certificate}\n{self.key}", encoding="ascii")
                    context.load_cert_chain(own, password="")  # else OpenSSL asks the terminal for that of a locked key
                finally:
                    own.unlink()
        except (ssl.SSLError, OSError, ValueError) as error:
            raise UsageError(f"a certificate for the server cannot be read: {error}", hint=_CERTIFICATES) from None
        return context


_CERTIFICATES = f"{AUTHORITY}, {CERTIFICATE} and {KEY} name PEM files"


def read_keys(variables: Mapping[str, str], *, tls: bool) -> Keys:
    """Return what the user's variables say.

    Args:
        variables: Of the environment.
        tls: Whether the connection is encrypted.

    Raises:
        UsageError: A file cannot be read, or a value is none.
    """
    headers = _headers(_text(variables, HEADERS))
    shared = variables.get(SHARED, "")
    if shared not in ("", "0", "1"):
        raise UsageError(f"{SHARED} is {shared[:40]!r}, which is neither 0 nor 1")
    asked = variables.get(CONCURRENCY) or "2"
    if not asked.isdecimal() or not 1 <= int(asked) <= 64:
        raise UsageError(f"{CONCURRENCY} is {asked[:40]!r}, which is no number from 1 to 64")
    authority = _text(variables, AUTHORITY) or (_of_system() if tls else "")
    try:
        return Keys(
            headers=headers,
            tls=tls,
            authority=authority,
            certificate=_text(variables, CERTIFICATE),
            key=_text(variables, KEY),
            shared=shared == "1",
            concurrency=int(asked),
        )
    except ValidationError:
        raise UsageError("what VETGATE_TRITON_* variables name cannot be used") from None


def _text(variables: Mapping[str, str], name: str) -> str:
    path = variables.get(name)
    if not path:
        return ""
    try:
        file = Path(path)
        if file.stat().st_size > _MOST:
            raise UsageError(f"{name}: {path} is longer than {_MOST:,} bytes")
        text = file.read_text(encoding="ascii")
        if not text.strip():
            raise UsageError(f"{name}: {path} is empty")
        return text
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no ASCII text"
        raise UsageError(f"{name}: {path} cannot be read: {reason}") from None


def _headers(text: str) -> dict[str, str]:
    """Return headers by name; a message quotes none, for they may be secrets."""
    headers: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _HEADER.fullmatch(line)
        if found is None or found[1].lower() in _OURS:
            raise UsageError(
                f"{HEADERS}: line {number} is no header that can be sent", hint="Authorization: Bearer ..."
            )
        headers[found[1]] = found[2]
    return headers


def _of_system() -> str:
    """Return whom the system trusts; a child cannot look there."""
    places = ssl.get_default_verify_paths()
    bundles = (places.cafile, f"{places.capath or '/etc/ssl/certs'}/ca-certificates.crt", "/etc/pki/tls/cert.pem")
    for bundle in filter(None, bundles):
        file = Path(bundle)
        if file.is_file():
            blocks = re.findall(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", file.read_text("latin-1"))
            return "\n".join(blocks)
    raise UsageError("the system names nobody who vouches for certificates", hint=f"set {AUTHORITY} to a PEM file")
