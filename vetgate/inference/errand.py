"""The parent's end of a child that does one piece of work: it listens, and waits as long as there is progress."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from vetgate.domain.errors import Inconclusive, WorkerFailed
from vetgate.domain.record import Record
from vetgate.inference.commission import Progress
from vetgate.inference.message import Failed
from vetgate.inference.process import ERRORS, environment, limit_waits, printable, tell_end

PARTING = 10.0
"""Seconds that a child gets to end by itself after its last word, so that what it wrote reaches the disk."""

Tell = Callable[[str, int, int], None]


class Errand:
    """A child at work in a process of its own; it ends with the block.

    Args:
        name: What the work is called in messages.
        module: What the child runs.
        threads: That its libraries may start.
        patience: Seconds without progress after which it counts as hung. The work may take any time.
        variables: Names of environment variables that it needs besides.

    Raises:
        Inconclusive: There is no room for another process.
    """

    def __init__(self, name: str, module: str, threads: int, patience: float, variables: Sequence[str] = ()) -> None:
        self._name, self._patience = name, patience
        with ExitStack() as undo:
            try:
                self._log = undo.enter_context(tempfile.TemporaryFile(prefix="vetgate-", mode="w+b"))
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    limit_waits(ours, patience)
                    self._process = subprocess.Popen(
                        [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                        stdin=subprocess.DEVNULL,
                        stdout=self._log,
                        stderr=self._log,
                        pass_fds=(theirs.fileno(),),
                        env=environment(threads, also=variables),
                    )
                    self._connection: Connection[bytes, bytes] = Connection(ours.detach())
            except OSError as error:
                raise Inconclusive(f"{name}: its process cannot be started: {error}") from None
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def send(self, word: Record) -> None:
        """Send a message.

        Raises:
            WorkerFailed: The child is gone, or does not read.
        """
        try:
            self._connection.send_bytes(word.model_dump_json().encode())
        except BlockingIOError:
            raise self._hung() from None
        except OSError:
            raise tell_end(self._name, self._process, self._log) from None

    def listen(self, words: TypeAdapter[Any], longest: int, tell: Tell) -> Any:  # noqa: ANN401  # one of the words
        """Pass progress on until the child says something else; return that.

        Args:
            words: What it may say, Progress and Failed among it.
            longest: Bytes of the longest message that is read.
            tell: Told (what, done, total) of progress.

        Raises:
            VetgateError: As the child says; WorkerFailed where it is gone, hangs or talks nonsense.
        """
        last: Progress | None = None
        due = time.monotonic() + self._patience
        while True:
            word = self._receive(words, longest, due)
            if isinstance(word, Failed):
                kind = ERRORS.get(word.error, WorkerFailed)
                raise kind(f"{self._name}: {printable(word.message)}", hint=printable(word.hint))
            if not isinstance(word, Progress):
                return word
            if word != last:  # the same word again and again is no progress
                last, due = word, time.monotonic() + self._patience
                tell(printable(word.what), word.done, word.total)

    def _receive(self, words: TypeAdapter[Any], longest: int, due: float) -> Any:  # noqa: ANN401  # one of the words
        try:
            if not self._connection.poll(max(0.0, due - time.monotonic())):
                raise self._hung()
            return words.validate_json(self._connection.recv_bytes(longest))
        except (EOFError, ConnectionError):
            raise tell_end(self._name, self._process, self._log) from None
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
        try:
            self._process.wait(timeout=PARTING)
        except subprocess.TimeoutExpired:
            self.end()

    def end(self) -> None:
        """End the child, if it lives."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        self._log.close()
