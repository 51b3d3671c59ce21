"""The child process that holds one model. Started as `python -P -m vetgate.inference.worker`; speaks `message`."""

from __future__ import annotations

import importlib.metadata
import mmap
import os
import sys
import time
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vetgate.domain.card import Card
from vetgate.domain.errors import Inconclusive, UnreadableArtifact, VetgateError, WorkerFailed
from vetgate.domain.model import Backend, CountedModel, Model, NamedModel, ServerTimes, TappedModel
from vetgate.domain.specs import BackendSpec
from vetgate.domain.task import Task
from vetgate.domain.wall import Wall
from vetgate.inference.message import (
    REQUESTS,
    Block,
    Capture,
    Captured,
    Close,
    Describe,
    Described,
    Failed,
    ListTaps,
    Open,
    Opened,
    Predict,
    Predicted,
    Rehearse,
    Rehearsed,
    Reply,
    Request,
    Start,
    Started,
    Tapped,
    Time,
    Timed,
)
from vetgate.inference.process import bind_to_parent, leave
from vetgate.inference.walls import Enclosure, put_up

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def main(arguments: list[str]) -> int:
    """Serve the parent until it says so or is gone.

    Args:
        arguments: Descriptors of the connection, the input buffer (read only), the output buffer, and for a service of
            the line to the gate, which its order names.
    """
    connection, images, answers = (int(argument) for argument in arguments[:3])
    bind_to_parent()
    Server(Connection(connection), images, answers).serve()
    return 0


class Server:
    """Answers requests one by one; a request that fails is answered with why."""

    def __init__(self, connection: Connection[bytes, bytes], images: int, answers: int) -> None:
        self._connection = connection
        self._images, self._answers = images, answers
        self._start: Start | None = None
        self._backend: Backend | None = None
        self._model: Model | None = None
        self._card: Card | None = None
        self._open = ExitStack()
        self._walls: tuple[Wall, ...] = ()
        self._answered = 0

    def serve(self) -> None:
        """Let walls be put up as the first message says, then serve until Close or the parent's end."""
        try:
            self._walls = put_up(Enclosure.model_validate_json(self._connection.recv_bytes()))
        except EOFError:
            return
        with self._open:
            while True:
                try:
                    request = REQUESTS.validate_json(self._connection.recv_bytes())
                except EOFError:
                    return
                if isinstance(request, Close):
                    return
                self._connection.send_bytes(self._answer(request).model_dump_json().encode())

    def _answer(self, request: Request) -> Reply:
        try:
            return self._do(request)
        except VetgateError as error:
            return Failed(error=type(error).__name__, message=error.message, hint=error.hint)
        except MemoryError:
            limit = self._start.memory if self._start else None
            within = f" of {limit / 1e9:.3g} GB" if limit else ""
            return Failed(error=WorkerFailed.__name__, message=f"ran out of its memory limit{within}")
        except Exception as error:  # a plugin or runtime may raise anything; the parent must hear of it
            reason = " ".join(str(error).split())[:400]
            return Failed(error=WorkerFailed.__name__, message=f"failed with {type(error).__name__}: {reason}")

    def _do(self, request: Request) -> Reply:
        match request:
            case Start():
                return self._begin(request)
            case Describe():
                backend, start = self._ready()
                return Described(structure=backend.describe(start.artifact, request.card, start.options))
            case Open():
                return self._open_model(request.card)
            case Predict():
                return self._predict(request)
            case Time():
                return self._time(request)
            case Rehearse():
                return self._rehearse(request)
            case ListTaps() | Capture():
                return self._show(request, self._tapped())
        raise ValueError(f"cannot answer {request.kind}")

    def _begin(self, start: Start) -> Started:
        plugin = importlib.metadata.EntryPoint(start.plugin, start.value, start.group).load()
        specs = cast("list[BackendSpec]", plugin.vetgate_backends())
        self._start = start
        self._backend = next(spec for spec in specs if spec.name == start.backend).factory()
        return Started(walls=self._walls)

    def _open_model(self, card: Card) -> Opened:
        backend, start = self._ready()
        self._card = card
        self._model = self._open.enter_context(backend.open(start.artifact, card, start.options))
        if card.output.task is not Task.CLASSIFICATION and not isinstance(self._model, NamedModel):
            raise Inconclusive(
                f"backend {start.backend!r}, which opens {start.artifact.format} files, reads class scores alone, and "
                f"the card says {card.output.task}",
                hint="vet this model in another format, such as ONNX",
            )
        return Opened(execution=self._model.execution)

    def _ready(self) -> tuple[Backend, Start]:
        if self._backend is None or self._start is None:
            raise WorkerFailed("its backend could not be loaded")
        return self._backend, self._start

    def _predict(self, request: Predict) -> Predicted:
        import numpy as np

        raw = np.ascontiguousarray(self._rows(self._prepared(request.block)), dtype=np.float32)
        if raw.nbytes > request.answer_capacity:
            raise WorkerFailed(f"its outputs {raw.shape} take {raw.nbytes} bytes; {request.answer_capacity} are there")
        with mmap.mmap(self._answers, os.fstat(self._answers).st_size) as buffer:
            buffer[request.answer_offset : request.answer_offset + raw.nbytes] = raw.tobytes()
        self._answered += raw.shape[0]
        return Predicted(rows=raw.shape[0], columns=raw.shape[1], answered=self._answered)

    def _time(self, request: Time) -> Timed:
        images = self._prepared(request.block)
        seconds = []
        before = self._counted()
        for _ in range(request.calls):
            start = time.perf_counter()
            self._exercise(images)
            seconds.append(time.perf_counter() - start)
        return Timed(seconds=tuple(seconds), server=_since(before, self._counted()))

    def _counted(self) -> ServerTimes | None:
        return self._model.server_times() if isinstance(self._model, CountedModel) else None

    def _tapped(self) -> TappedModel:
        _, start = self._ready()
        if self._model is None:
            raise WorkerFailed("it was asked for inner tensors before it was opened")
        if not isinstance(self._model, TappedModel):
            raise Inconclusive(
                f"backend {start.backend!r}, which opens {start.artifact.format} files, shows no inner tensors, "
                "so layers cannot be compared",
                hint="leave out what asks for inner tensors, or vet this model in another format",
            )
        return self._model

    def _show(self, request: ListTaps | Capture, model: TappedModel) -> Tapped | Captured:
        """Name the inner tensors, or write those asked for one after the other to the start of the output buffer."""
        import numpy as np

        if isinstance(request, ListTaps):
            return Tapped(taps=model.taps(), notes=model.tap_notes())
        found = model.capture(self._prepared(request.block), request.names)
        values = [np.ascontiguousarray(found[name], dtype=np.float32) for name in request.names]
        size = sum(value.nbytes for value in values)
        if size > request.answer_capacity:
            raise WorkerFailed(f"its inner tensors take {size} bytes; {request.answer_capacity} are there")
        with mmap.mmap(self._answers, os.fstat(self._answers).st_size) as buffer:
            offset = 0
            for value in values:
                buffer[offset : offset + value.nbytes] = value.tobytes()
                offset += value.nbytes
        return Captured(shapes=tuple(value.shape for value in values))

    def _rehearse(self, request: Rehearse) -> Rehearsed:
        """Load, open and predict; the images are prepared before the clock starts and count as there before."""
        self._card = request.card
        images = self._prepared(request.block)
        before = _forget_peak()
        start = time.perf_counter()
        self._begin(request.start)
        self._open_model(request.card)
        opened = time.perf_counter()
        self._exercise(images)
        answered = time.perf_counter()
        return Rehearsed(
            opening=opened - start,
            first=answered - opened,
            memory_before=before,
            memory_peak=_status("VmHWM") if before is not None else None,
            walls=self._walls,
        )

    def _run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._model is None:
            raise WorkerFailed("it was asked to predict before it was opened")
        raw = self._model.predict(images)
        if raw.ndim != 2 or raw.shape[0] != images.shape[0]:
            raise UnreadableArtifact(
                f"answers with shape {raw.shape} for {images.shape[0]} images; (N, classes) is needed"
            )
        return raw

    def _rows(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the answers (N, C) as they are handed on: class scores, or maps and boxes as rows of one width."""
        output = self._card.output if self._card is not None else None
        if self._card is None or output is None or output.task is Task.CLASSIFICATION:
            return self._run(images)
        import numpy as np

        from vetgate.inference.rows import names_of, pack_boxes, pack_maps

        model, names = self._named(), names_of(output)
        if output.detection is not None:  # one by one: some models have no axis for images, or a row a box
            each = (model.outputs(images[place : place + 1], names) for place in range(len(images)))
            return np.stack([pack_boxes(given, self._card, output.detection) for given in each])
        assert output.segmentation is not None  # noqa: S101  # a card of this task has it
        rows = pack_maps(model.outputs(images, names)[0], output, output.segmentation)
        if len(rows) != len(images):
            raise UnreadableArtifact(f"answers with {len(rows)} maps for {len(images)} images")
        return rows

    def _exercise(self, images: NDArray[np.float32]) -> None:
        """Let the model answer, for the clock alone."""
        output = self._card.output if self._card is not None else None
        if output is None or output.task is Task.CLASSIFICATION:
            self._run(images)
            return
        from vetgate.inference.rows import names_of

        self._named().outputs(images, names_of(output))

    def _named(self) -> NamedModel:
        if not isinstance(self._model, NamedModel):
            raise WorkerFailed("it was asked to predict before it was opened")
        return self._model

    def _prepared(self, block: Block) -> NDArray[np.float32]:
        import numpy as np

        from vetgate.inference.prepare import normalise

        if self._card is None:
            raise WorkerFailed("it was asked to predict before it was opened")
        end = block.offset + block.size
        with mmap.mmap(self._images, end, access=mmap.ACCESS_READ) as buffer:
            pixels = np.frombuffer(buffer[block.offset : end], dtype=np.uint8)
        return normalise(pixels.reshape(block.shape), self._card.input)


def _since(before: ServerTimes | None, after: ServerTimes | None) -> ServerTimes | None:
    """Return what a server counted meanwhile; None where it was started anew."""
    if before is None or after is None or after.requests <= before.requests:
        return None
    queue, compute = after.queue - before.queue, after.compute - before.compute
    if min(queue, compute) < 0:
        return None
    return ServerTimes(
        requests=after.requests - before.requests,
        queue=queue,
        compute=compute,
        sent=after.sent - before.sent,
        seconds=after.seconds - before.seconds,
    )


def _forget_peak() -> int | None:
    """Let the kernel count the peak of resident memory anew; return the bytes resident now, None if it does not tell.

    Where the peak cannot be forgotten, what preparing the images took for a moment may count as the model's.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _status(name: str) -> int | None:
    """Return an entry of /proc/self/status in bytes; None where there is none."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    entries = (line.split() for line in lines if line.startswith(f"{name}:"))
    return next((int(entry[1]) * 1024 for entry in entries), None)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
