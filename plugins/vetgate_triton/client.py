"""What is asked of a server, whatever it is spoken to in; and which of its failures are what."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vetgate.api import Inconclusive
from vetgate_triton.facts import text
from vetgate_triton.settings import HEADERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ATTEMPTS = 3
"""For one request, where the connection fails; never after an answer, and never after a timeout."""
_PAUSES = (0.1, 0.4)
_MOST_TOLD = 16 << 20
"""Bytes of an answer that is no tensor."""

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


def persist(where: str, seconds: float, ask: Callable[[], T], *, tries: int = ATTEMPTS) -> T:
    """Return an answer; a connection that fails is made again, and nothing else is tried twice.

    Args:
        where: Who is asked, for messages.
        seconds: Patience, for messages.
        ask: Sends the request; raises ConnectionError or EOFError where the connection fails.
        tries: How often at most.

    Raises:
        Inconclusive: It cannot be reached, does not answer in time, or its certificate does not hold.
        Refused: It answered that it will not.
    """
    import ssl

    until = time.monotonic() + seconds
    for attempt in range(tries):
        try:
            return ask()
        except (TimeoutError, BlockingIOError):
            raise Inconclusive(f"{where} gave no answer within {seconds:.3g} s", hint="--timeout SECONDS") from None
        except ssl.SSLCertVerificationError as error:
            told = text(error.verify_message or str(error))
            hint = "VETGATE_TRITON_CA names who vouches for it"
            raise Inconclusive(f"the certificate of {where} does not hold: {told}", hint=hint) from None
        except (ConnectionError, EOFError, OSError) as error:
            if attempt + 1 == tries or time.monotonic() >= until:
                told = text(getattr(error, "strerror", None) or str(error) or type(error).__name__)
                raise Inconclusive(f"{where} cannot be reached: {told}", hint="is the server up?") from None
            time.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
    raise AssertionError("at least one try")


def as_error(where: str, what: str, refused: Refused) -> Inconclusive:
    """Return the error for a request that a server refused."""
    if refused.code in (401, 403):
        return Inconclusive(f"{where} does not let us in ({refused.code})", hint=f"{HEADERS} names a file of headers")
    return Inconclusive(f"{where} did not {what}: {refused.reason}")


def bounded(length: int, most: int = _MOST_TOLD) -> int:
    """Return a length that an answer may have.

    Raises:
        Inconclusive: It is too long.
    """
    if length > most:
        raise Inconclusive(f"the server answers with {length:,} bytes, where {most:,} are the most")
    return length
