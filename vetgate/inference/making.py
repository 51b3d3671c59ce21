"""The parent's end of a child that makes one variant: it listens, and waits as long as there is progress."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import IO

from pydantic import ValidationError

from vetgate.domain.compress import Made
from vetgate.domain.errors import Inconclusive, WorkerFailed
from vetgate.inference.commission import ANSWERS, Answer, Commission, Finished, NoModule, Progress
from vetgate.inference.message import Failed
from vetgate.inference.process import ERRORS, environment, limit_waits, printable, tell_end

LONGEST = 1 << 20
"""Bytes of the longest message that is read."""
PARTING = 10.0
"""Seconds that a child gets to end by itself after its last word, so that what it wrote reaches the disk."""

Tell = Callable[[str, int, int], None]


class NoLiveModule(Inconclusive):
    """The reference cannot be handed over as a live module."""


def make(name: str, commission: Commission, patience: float, tell: Tell) -> Made:
    """Let a child make one variant; return what it reports.

    Args:
        name: What the variant is called in messages.
        commission: What to make, and what of.
        patience: Seconds without progress after which the child counts as hung. Making it may take any time.
        tell: Told (what, done, total) of progress.

    Raises:
        NoLiveModule: It needs the reference as a live module, and that is none.
        VetgateError: As the compressor says, or WorkerFailed.
    """
    with ExitStack() as ending:
        try:
            log = ending.enter_context(tempfile.TemporaryFile(prefix="vetgate-", mode="w+b"))
            child = _Child(name, patience, log, *_spawn(log, commission.threads, patience))
        except OSError as error:
            raise Inconclusive(f"{name}: its process cannot be started: {error}") from None
        ending.callback(child.end)
        return child.listen(commission, tell)


def _spawn(log: IO[bytes], threads: int, patience: float) -> tuple[subprocess.Popen[bytes], Connection[bytes, bytes]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        limit_waits(ours, patience)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vetgate.inference.bench", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(theirs.fileno(),),
            env=environment(threads),
        )
        return process, Connection(ours.detach())


class _Child:
    """A compressor at work in a process of its own."""

    def __init__(
        self,
        name: str,
        patience: float,
        log: IO[bytes],
        process: subprocess.Popen[bytes],
        connection: Connection[bytes, bytes],
    ) -> None:
        self._name, self._patience, self._log = name, patience, log
        self._process, self._connection = process, connection

    def listen(self, commission: Commission, tell: Tell) -> Made:
        """Hand the commission over and pass progress on until the child is done."""
        try:
            self._connection.send_bytes(commission.model_dump_json().encode())
        except OSError:
            raise tell_end(self._name, self._process, self._log) from None
        last: Progress | None = None
        due = time.monotonic() + self._patience
        while True:
            answer = self._receive(due)
            if isinstance(answer, Finished):
                self._part()
                return answer.made
            if isinstance(answer, NoModule):
                raise NoLiveModule(f"{self._name}: {printable(answer.message)}")
            if isinstance(answer, Failed):
                kind = ERRORS.get(answer.error, WorkerFailed)
                raise kind(f"{self._name}: {printable(answer.message)}", hint=printable(answer.hint))
            if answer != last:  # the same word again and again is no progress
                last, due = answer, time.monotonic() + self._patience
                tell(printable(answer.what), answer.done, answer.total)

    def _receive(self, due: float) -> Answer:
        try:
            if not self._connection.poll(max(0.0, due - time.monotonic())):
                raise self._hung()
            return ANSWERS.validate_json(self._connection.recv_bytes(LONGEST))
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

    def _part(self) -> None:
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
