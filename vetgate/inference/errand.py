"""The parent's end of a child that does one piece of work: it listens, and waits as long as there is progress."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from vetgate.domain.errors import Inconclusive, WallMissing, WorkerFailed
from vetgate.domain.record import Record
from vetgate.domain.wall import Wall
from vetgate.inference.child import WITHOUT
from vetgate.inference.commission import Progress
from vetgate.inference.enclosure import enclose
from vetgate.inference.message import Failed
from vetgate.inference.process import ERRORS, environment, limit_waits, printable
from vetgate.inference.walls import Enclosed, missing
from vetgate.inference.ward import Ward

PARTING = 10.0
"""Seconds that a child gets to end by itself after its last word, so that what it wrote reaches the disk."""
LONGEST_WALLS = 64 << 10
"""Bytes of the message that tells the walls."""

_ENCLOSED: TypeAdapter[Enclosed] = TypeAdapter(Enclosed)

Tell = Callable[[str, int, int], None]


def unheard(what: str, done: int, total: int) -> None:
    """Hear of progress and do nothing."""


class Errand:
    """A child at work in a process of its own; it ends with the block.

    Args:
        name: What the work is called in messages.
        module: What the child runs.
        threads: That its libraries may start.
        patience: Seconds without progress after which it counts as hung. The work may take any time.
        variables: Names of environment variables that it needs besides.
        accelerators: Whether it may use GPUs.
        strict: Whether all walls must stand around it.

    Raises:
        Inconclusive: There is no room for another process.
    """

    def __init__(
        self,
        name: str,
        module: str,
        threads: int,
        patience: float,
        variables: Sequence[str] = (),
        *,
        accelerators: bool = False,
        strict: bool = False,
    ) -> None:
        self.walls: tuple[Wall, ...] = ()
        """Around the child, as it says before it says anything else."""
        self._name, self._patience = name, patience
        self._accelerators, self._strict = accelerators, strict
        self._enclosed = False
        try:
            ours, theirs = socket.socketpair()
            with ours, theirs:
                limit_waits(ours, patience)
                self._ward = Ward(module, (theirs.fileno(),), environment(threads, also=variables))
                self._connection: Connection[bytes, bytes] = Connection(ours.detach())
        except OSError as error:
            raise Inconclusive(f"{name}: its process cannot be started: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def send(self, word: Record) -> None:
        """Send a message. The first is the order: the child is walled in with what that names, before it reads it.

        Raises:
            WorkerFailed: The child is gone, or does not read.
        """
        if not self._enclosed:
            enclosure = enclose(word, self._ward.folder, accelerators=self._accelerators)
            self._ward.memory = enclosure.memory
            self._enclosed = True
            self._put(enclosure)
        self._put(word)

    def _put(self, word: Record) -> None:
        try:
            self._connection.send_bytes(word.model_dump_json().encode())
        except BlockingIOError:
            raise self._hung() from None
        except OSError:
            raise self._ward.tell_end(self._name) from None

    def listen(self, words: TypeAdapter[Any], longest: int, tell: Tell, *, due: float | None = None) -> Any:  # noqa: ANN401  # one of the words
        """Pass progress on until the child says something else; return that.

        Args:
            words: What it may say, Progress and Failed among it.
            longest: Bytes of the longest message that is read.
            tell: Told (what, done, total) of progress.
            due: Monotonic time by which it must have said it, whatever progress there is; None for patience.

        Raises:
            VetgateError: As the child says; WorkerFailed where it is gone, hangs or talks nonsense.
        """
        last: Progress | None = None
        until = time.monotonic() + self._patience if due is None else due
        if not self.walls:  # the child says it before anything else
            self._hear_walls(until)
        while True:
            word = self._receive(words, longest, until)
            if isinstance(word, Failed):
                kind = ERRORS.get(word.error, WorkerFailed)
                raise kind(f"{self._name}: {printable(word.message)}", hint=printable(word.hint))
            if not isinstance(word, Progress):
                return word
            if word != last:  # the same word again and again is no progress
                last, until = word, time.monotonic() + self._patience if due is None else due
                tell(printable(word.what), word.done, word.total)

    def _hear_walls(self, until: float) -> None:
        self.walls = self._receive(_ENCLOSED, LONGEST_WALLS, until).walls
        lacking = missing(self.walls)
        if lacking and self._strict:
            raise WallMissing(f"{self._name}: its process could not be walled in: {lacking}", hint=WITHOUT)

    def _receive(self, words: TypeAdapter[Any], longest: int, due: float) -> Any:  # noqa: ANN401  # one of the words
        try:
            if not self._connection.poll(max(0.0, due - time.monotonic())):
                raise self._hung()
            return words.validate_json(self._connection.recv_bytes(longest))
        except (EOFError, ConnectionError):
            raise self._ward.tell_end(self._name) from None
        except BlockingIOError:
            raise self._hung() from None
        except (ValidationError, OSError):
            raise WorkerFailed(f"{self._name}: its process answered what vetgate does not understand") from None

    def _hung(self) -> WorkerFailed:
        return WorkerFailed(
            f"{self._name}: made no progress for {self._patience:g} s and was stopped",
            hint="--timeout SECONDS gives it longer",
        )

    def part(self) -> None:
        """Let the child end by itself, for it has said its last word."""
        self._connection.close()
        if self._ward.wait(PARTING) is None:
            self.end()

    def end(self) -> None:
        """End the child, if it lives."""
        self._connection.close()
        self._ward.close()
