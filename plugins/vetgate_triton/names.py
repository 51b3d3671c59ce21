"""Names of served models: `triton://HOST:PORT/MODEL[/VERSION]`. Light: nothing of a library is imported for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vetgate.api import UsageError

NAME = "triton"
PORTS = {"triton": 8000, "triton+https": 8000, "triton+grpc": 8001, "triton+grpcs": 8001}
"""Port that a server listens on by default, by scheme."""
_NAME = re.compile(
    r"(?P<scheme>triton(?:\+https|\+grpcs?)?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|(?=[^:/]{1,253}[:/])[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*)"
    r"(?::(?P<port>\d{1,5}))?"
    r"/(?P<model>[A-Za-z0-9_.\-]{1,255})(?:/(?P<version>[A-Za-z0-9_.\-]{1,64}))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Address:
    """A model on a server."""

    scheme: str
    host: str
    port: int
    model: str
    version: str
    """Empty where the name leaves it to the server."""

    @property
    def rpc(self) -> bool:
        """Whether it is asked by gRPC."""
        return "grpc" in self.scheme

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted and the server shows a certificate."""
        return self.scheme.endswith("s")

    @property
    def protocol(self) -> str:
        """For people."""
        return f"{'gRPC' if self.rpc else 'HTTP'}{' over TLS' if self.tls else ''}"

    @property
    def server(self) -> str:
        """`SCHEME://HOST:PORT`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_name(name: str) -> Address:
    """Return what a name says.

    Raises:
        UsageError: It is malformed, or holds a login, which belongs into a file of headers.
    """
    found = _NAME.fullmatch(name)
    if found is None or found["model"] in (".", "..") or found["version"] in (".", ".."):
        hint = "triton://HOST:PORT/MODEL[/VERSION], or triton+https, triton+grpc, triton+grpcs in place of triton"
        if "@" in name:
            hint = "a name goes into reports: put the login into a file of headers that VETGATE_TRITON_HEADERS names"
        raise UsageError(f"{_shown(name)} is no name of a served model", hint=hint)
    port = int(found["port"] or PORTS[found["scheme"]])
    if not 0 < port < 1 << 16:
        raise UsageError(f"{_shown(name)}: there is no port {port}")
    return Address(found["scheme"], found["host"].strip("[]"), port, found["model"], found["version"] or "")


def _shown(name: str) -> str:
    """Return a name for a message, without what may be a password."""
    before, at, after = name.rpartition("@")
    return repr(f"{before.partition('//')[0]}//...@{after}" if at else name)[:300]
