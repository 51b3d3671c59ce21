"""What is asked of a server, whatever it is spoken to in; and which of its failures are what."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vetgate.api import Inconclusive
from vetgate_triton.facts import text
from vetgate_triton.settings import CERTIFICATE, HEADERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ATTEMPTS = 3
"""For one request, where the connection fails; never after an answer, and never after its time."""
_PAUSES = (0.1, 0.4)
_MOST_TOLD = 16 << 20
"""Bytes of an answer that is no tensor."""

_SHORT = 6
"""Characters of a word of a header that may be a secret."""

T = TypeVar("T")


class Refused(Exception):
    """The server answered that it will not.

    Args:
        code: Status of HTTP, or of gRPC by the one of HTTP that it stands for.
        reason: What it said; a stranger's text.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, text(" ".join(reason.split())) or "no reason given"

    @property
    def unknown(self) -> bool:
        """Whether it knows no such model or version; Triton says so with 400 as well."""
        return self.code == 404 or (self.code == 400 and "unknown model" in self.reason.lower())


@dataclass(frozen=True)
class Wanted:
    """One request for answers."""

    model: str
    version: str
    input: str
    datatype: str
    """As the protocol calls it, such as FP32."""
    output: str
    binary: bool = True
    """Whether tensors go as bytes, not as numbers in JSON."""
    labels: int = 0
    """Not 0: so many class names, the best first, are wanted in place of figures."""


class Client(Protocol):
    """Talks to one server; may be used by several threads at once."""

    def server(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        ...

    def model(self, name: str, version: str) -> dict[str, Any]:
        """Return what it says of a model."""
        ...

    def config(self, name: str, version: str) -> dict[str, Any] | None:
        """Return how it was told to run it; None where it does not say such things."""
        ...

    def ready(self, name: str, version: str) -> bool:
        """Return whether the model is ready."""
        ...

    def statistics(self, name: str, version: str) -> dict[str, Any] | None:
        """Return what it counted of a model; None where it counts nothing."""
        ...

    def infer(self, wanted: Wanted, batch: NDArray[np.generic], region: str = "") -> NDArray[np.generic]:
        """Return the output of a batch, of whatever shape.

        Args:
            wanted: What is asked.
            batch: The images.
            region: Shared memory in which they stand already; empty where they are to be sent.
        """
        ...

    def call(self, path: str, content: dict[str, Any]) -> None:
        """Ask what the protocol's extensions take, such as to map shared memory."""
        ...

    def close(self) -> None:
        """End all connections."""
        ...


def persist(where: str, seconds: float, ask: Callable[[float], T]) -> T:
    """Return an answer; a connection that fails is made again, and nothing else is tried twice.

    Args:
        where: Who is asked, for messages.
        seconds: Patience with all tries together.
        ask: Sends the request, given the monotonic time by which the answer must have come to its end; raises
            TimeoutError where it has not, ConnectionError where the connection fails.

    Raises:
        Inconclusive: It cannot be reached, does not answer in time, or its certificate does not hold.
        Refused: It answered that it will not.
    """
    import ssl

    until = time.monotonic() + seconds
    for attempt in range(ATTEMPTS):
        try:
            return ask(until)
        except (TimeoutError, BlockingIOError):
            raise Inconclusive(f"{where} gave no answer within {seconds:.3g} s", hint="--timeout SECONDS") from None
        except ssl.SSLCertVerificationError as error:
            told = text(error.verify_message or str(error))
            hint = "VETGATE_TRITON_CA names who vouches for it"
            raise Inconclusive(f"the certificate of {where} does not hold: {told}", hint=hint) from None
        except OSError as error:
            broke = not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError)
            if not broke or attempt + 1 == ATTEMPTS or time.monotonic() + _PAUSES[attempt] >= until:
                raise _unreached(where, error) from None
            time.sleep(_PAUSES[attempt])
    raise AssertionError("at least one try")


def _unreached(where: str, error: OSError) -> Inconclusive:
    import ssl

    told = text(getattr(error, "strerror", None) or str(error) or type(error).__name__)
    if not isinstance(error, ssl.SSLError):
        return Inconclusive(f"{where} cannot be reached: {told}", hint="is the server up?")
    plain = told.partition("] ")[2].rpartition(" (")[0] or told  # without the place in OpenSSL's source
    hint = f"does it speak TLS there? {CERTIFICATE} names our certificate, where it asks who we are"
    return Inconclusive(f"{where} cannot be reached: no terms over TLS: {plain}", hint=hint)


def as_error(where: str, what: str, refused: Refused) -> Inconclusive:
    """Return the error for a request that a server refused."""
    if refused.code in (401, 403):
        return Inconclusive(f"{where} does not let us in ({refused.code})", hint=f"{HEADERS} names a file of headers")
    if 300 <= refused.code < 400:
        told = f"{where} sends us elsewhere ({refused.code}), and nobody follows"
        return Inconclusive(told, hint="name the server itself")
    hint = "run again when it is less busy" if refused.code in (429, 503) else ""
    return Inconclusive(f"{where} did not {what} ({refused.code}): {refused.reason}", hint=hint)


def hide(told: str, headers: Mapping[str, str]) -> str:
    """Return what a server said without what lets us in, which it may have said back."""
    secrets = {part for value in headers.values() for part in (value, *value.split()) if len(part) >= _SHORT}
    for secret in sorted(secrets, key=len, reverse=True):
        told = told.replace(secret, "...")
    return told


def require_version(wanted: Wanted, told: object) -> None:
    """Make sure that the version answers which was asked, as far as the answer tells.

    Raises:
        Inconclusive: It is another.
    """
    if wanted.version and isinstance(told, str) and told not in ("", wanted.version):
        raise Inconclusive(f"version {text(told)} of {wanted.model} answers, where {wanted.version} was asked")


def bounded(length: int, most: int = _MOST_TOLD) -> int:
    """Return a length that an answer may have.

    Raises:
        Inconclusive: It is too long.
    """
    if length > most:
        raise Inconclusive(f"the server answers with {length:,} bytes, where {most:,} are the most")
    return length
