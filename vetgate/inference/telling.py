"""The child's end of one piece of work: the order is read, progress told, and the answer sent, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Protocol, Self, TypeVar

from vetgate.domain.errors import VetgateError, WorkerFailed
from vetgate.domain.record import Record
from vetgate.inference.commission import Progress
from vetgate.inference.message import Failed
from vetgate.inference.process import bind_to_parent
from vetgate.inference.walls import Enclosed, Enclosure, put_up

LEAST_PAUSE = 0.1
"""Seconds between two words of progress on the same thing; what a loop tells more often is not passed on."""


class Order(Protocol):
    """What a child is asked to do."""

    @property
    def memory(self) -> int | None:
        """Bytes of private memory, or None for no limit."""
        ...

    @classmethod
    def model_validate_json(cls, json_data: bytes) -> Self:
        """Read it."""
        ...


OrderT = TypeVar("OrderT", bound=Order)


class Teller:
    """Passes progress on to the parent, not more often than a reader can follow."""

    def __init__(self, connection: Connection[bytes, bytes]) -> None:
        self._connection = connection
        self._what = ""
        self._last = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Tell that `done` of `total` are done."""
        now = time.monotonic()
        if what == self._what and done < total and now - self._last < LEAST_PAUSE:
            return
        self._what, self._last = what, now
        word = Progress(what=str(what)[:200], done=int(done), total=int(total))
        self._connection.send_bytes(word.model_dump_json().encode())

    def say(self, word: Record) -> None:
        """Send the parent a word that needs no answer."""
        self._connection.send_bytes(word.model_dump_json().encode())

    def ask(self, question: Record) -> bytes:
        """Send the parent a question; return its answer."""
        self._connection.send_bytes(question.model_dump_json().encode())
        return self._connection.recv_bytes()


def run_errand(arguments: list[str], kind: type[OrderT], work: Callable[[OrderT, Teller], Record]) -> int:
    """Do one piece of work and say how that went.

    Args:
        arguments: The descriptor of the connection.
        kind: Of the order.
        work: Returns the answer.
    """
    bind_to_parent()
    with Connection(int(arguments[0])) as connection:
        walls = put_up(Enclosure.model_validate_json(connection.recv_bytes()))
        connection.send_bytes(Enclosed(walls=walls).model_dump_json().encode())
        order = kind.model_validate_json(connection.recv_bytes())
        answer = _attempt(order, work, Teller(connection))
        connection.send_bytes(answer.model_dump_json().encode())
    return 0


def _attempt(order: OrderT, work: Callable[[OrderT, Teller], Record], teller: Teller) -> Record:
    try:
        return work(order, teller)
    except VetgateError as error:
        return Failed(error=type(error).__name__, message=error.message, hint=error.hint)
    except MemoryError:
        within = f" of {order.memory / 1e9:.3g} GB" if order.memory else ""
        return Failed(error=WorkerFailed.__name__, message=f"ran out of its memory limit{within}")
    except (Exception, SystemExit) as error:  # a plugin may raise anything, also exit code 0; the parent must hear
        reason = " ".join(str(error).split())[:400]
        return Failed(error=WorkerFailed.__name__, message=f"failed with {type(error).__name__}: {reason}")
