"""The parent's end of one child process: it asks, waits no longer than agreed, and says clearly how a child ended."""

from __future__ import annotations

import os
import socket
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self, TypeVar

from pydantic import ValidationError

from vetgate.domain.card import Card
from vetgate.domain.errors import Inconclusive, WallMissing, WorkerFailed
from vetgate.domain.model import Execution
from vetgate.domain.source import Door
from vetgate.domain.structure import Structure
from vetgate.domain.wall import Wall
from vetgate.inference.enclosure import enclose
from vetgate.inference.memory import SharedBuffer
from vetgate.inference.message import (
    LONGEST,
    REPLIES,
    Block,
    Close,
    Describe,
    Described,
    Failed,
    Open,
    Opened,
    Predicted,
    Rehearse,
    Rehearsed,
    Reply,
    Request,
    Start,
    Started,
)
from vetgate.inference.process import ERRORS, environment, limit_waits, printable
from vetgate.inference.walls import Enclosure, missing
from vetgate.inference.ward import Ward
from vetgate.line import Doorman

WITHOUT = "run on a Linux of 5.13 or later with Landlock and seccomp, or ask for `isolation: preferred` in the policy"

ReplyT = TypeVar("ReplyT", Started, Described, Opened, Rehearsed)


class Worker:
    """One model in one child process.

    Args:
        name: What the model is called in messages, such as `candidate int8.onnx`.
        start: What to load, and within which limits.
        images: The buffer that the child reads images from.
        patience: Seconds without an answer after which the child counts as hung.
        cold: Whether it waits for `rehearse` with nothing loaded, its memory managed as any program's.
        strict: Whether all walls must stand around it.
        door: Where it is let to, for the model of a service.

    Raises:
        Inconclusive: There is no room for another process, its output or its log.
    """

    def __init__(
        self,
        name: str,
        start: Start,
        images: SharedBuffer,
        patience: float,
        *,
        cold: bool = False,
        strict: bool = False,
        door: Door | None = None,
    ) -> None:
        self.name = name
        self.patience = patience
        self.answers = SharedBuffer()
        self.execution: Execution | None = None
        self.answered = 0
        """Images that the child has answered, by its own count, those not among them that were asked again."""
        self._counted = 0
        self.walls: tuple[Wall, ...] = ()
        """Around the child, as it says once it has started."""
        self._strict = strict
        self._beside = (_wall_of(images), *((_wall_at(door),) if door is not None else ()))
        self._started = False
        with ExitStack() as undo:
            undo.callback(self.answers.close)
            try:
                self._doorman = Doorman(door, patience) if door is not None else None
                undo.callback(self._shut)
                self._start = _with_line(start, self._doorman)
                self._ward, self.connection = self._spawn(images, cold=cold)
            except OSError as error:
                raise Inconclusive(f"{name}: its process cannot be started: {error}") from None
            undo.callback(self.close)
            self.send(enclose(self._start, self._ward.folder, accelerators=self._start.accelerators))
            if not cold:
                self.send(self._start)
            undo.pop_all()

    def _spawn(self, images: SharedBuffer, *, cold: bool) -> tuple[Ward, Connection[bytes, bytes]]:
        with ExitStack() as ending:
            ours, theirs = socket.socketpair()
            ending.enter_context(ours)
            ending.enter_context(theirs)
            limit_waits(ours, self.patience)
            reading = images.read_only()
            ending.callback(os.close, reading)
            line = (self._doorman.theirs.fileno(),) if self._doorman is not None else ()
            passed = (theirs.fileno(), reading, self.answers.fd, *line)
            variables = environment(self._start.options.threads, cold=cold)
            ward = Ward("vetgate.inference.worker", passed, variables)
            ward.memory = self._start.memory
            return ward, Connection(ours.detach())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether its process still runs."""
        return self._ward.alive

    def describe(self, card: Card | None) -> Structure:
        """Return what the model file holds.

        Raises:
            VetgateError: As the backend says, or WorkerFailed.
        """
        self._await_start()
        self.send(Describe(card=card))
        return self._expect(Described).structure

    def open(self, card: Card) -> Execution:
        """Open the model; return what really runs.

        Raises:
            VetgateError: As the backend says, or WorkerFailed.
        """
        self._await_start()
        self.send(Open(card=card))
        self.execution = self._expect(Opened).execution
        return self.execution

    def rehearse(self, card: Card, block: Block) -> Rehearsed:
        """Let a cold child go from nothing to the answer of one block; return what that took.

        Raises:
            VetgateError: As the backend says, or WorkerFailed; WallMissing after the fact, for a cold child says
                nothing before it has loaded the model.
        """
        self.send(Rehearse(start=self._start, card=card, block=block))
        found = self._expect(Rehearsed)
        self._require_walls(found.walls)
        return found

    def send(self, request: Request | Enclosure) -> None:
        """Send a request; the answer is fetched by `receive`."""
        try:
            self.connection.send_bytes(request.model_dump_json().encode())
        except BlockingIOError:
            raise self.hung() from None
        except OSError:
            raise self._ended() from None

    def receive(self) -> Reply:
        """Return the next answer.

        Raises:
            VetgateError: The child answered with an error, is gone, hangs, or answers nonsense.
        """
        if not self.connection.poll(self.patience):
            raise self.hung()
        try:
            reply = REPLIES.validate_json(self.connection.recv_bytes(LONGEST))
        except (EOFError, ConnectionError):
            raise self._ended() from None
        except BlockingIOError:
            raise self.hung() from None
        except (ValidationError, OSError):
            self.kill()
            raise WorkerFailed(f"{self.name}: its process answered what vetgate does not understand") from None
        if isinstance(reply, Failed):
            kind = ERRORS.get(reply.error, WorkerFailed)
            raise kind(f"{self.name}: {printable(reply.message)}", hint=printable(reply.hint))
        return reply

    def count(self, reply: Predicted, *, again: bool = False) -> None:
        """Take in what the child counts, which must be what it was asked.

        Args:
            reply: The answer to a batch.
            again: Whether it had answered these images before.

        Raises:
            WorkerFailed: It counts other images than those that it was asked.
        """
        self._counted += reply.rows
        if reply.answered != self._counted:
            self.kill()
            raise WorkerFailed(f"{self.name}: says it answered {reply.answered} images and was asked {self._counted}")
        self.answered += 0 if again else reply.rows

    def hung(self) -> WorkerFailed:
        """End the child and return the error that says it gave no answer in time."""
        self.kill()
        return WorkerFailed(
            f"{self.name}: gave no answer within {self.patience:g} s and was stopped",
            hint="--timeout SECONDS gives it longer",
        )

    def kill(self) -> None:
        """End the child now."""
        self._ward.kill()

    def close(self) -> None:
        """Let the child end, and end it if it does not."""
        try:
            self.connection.send_bytes(Close().model_dump_json().encode())
            parted = self._ward.wait(2) is not None
        except OSError:
            parted = False
        if not parted:
            self.kill()
        self.connection.close()
        self.answers.close()
        self._ward.close()
        self._shut()

    def _shut(self) -> None:
        if self._doorman is not None:
            self._doorman.close()

    def _await_start(self) -> None:
        if not self._started:
            self._require_walls(self._expect(Started).walls)
            self._started = True

    def _require_walls(self, told: tuple[Wall, ...]) -> None:
        """Note which walls stand around the child, and end it where one is missing that must stand."""
        self.walls = (*told, *self._beside)
        lacking = missing(self.walls)
        if lacking and self._strict:
            self.kill()
            raise WallMissing(f"{self.name}: its process could not be walled in: {lacking}", hint=WITHOUT)

    def _expect(self, kind: type[ReplyT]) -> ReplyT:
        reply = self.receive()
        if not isinstance(reply, kind):
            self.kill()
            raise WorkerFailed(f"{self.name}: its process answered {reply.kind} when {kind.__name__} was due")
        return reply

    def _ended(self) -> WorkerFailed:
        return self._ward.tell_end(self.name)


def _wall_of(images: SharedBuffer) -> Wall:
    how = "sealed shared memory" if images.sole else "the kernel does not seal shared memory: a child could change it"
    return Wall(name="images", stood=images.sole, how=how)


def _wall_at(door: Door) -> Wall:
    how = f"no network of its own: connections that the gate makes, to {door.address} alone"
    return Wall(name="service", stood=True, how=how)


def _with_line(start: Start, doorman: Doorman | None) -> Start:
    """Return an order that names the line of a child that has one."""
    if doorman is None:
        return start
    options = start.options.model_copy(update={"line": doorman.theirs.fileno()})
    return start.model_copy(update={"options": options})


def deadline(worker: Worker) -> float:
    """Return the monotonic time by which a worker must have answered what it is asked now."""
    return time.monotonic() + worker.patience
