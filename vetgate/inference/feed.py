"""Feeding the same images to every model: decoded once, fitted once per geometry, in batches through shared memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Card, Input
from vetgate.domain.errors import UnreadableImage, VetgateError, WorkerFailed
from vetgate.domain.samples import SampleSet
from vetgate.domain.task import Task
from vetgate.inference.child import Worker, deadline
from vetgate.inference.memory import SharedBuffer
from vetgate.inference.message import Block, Predict, Predicted
from vetgate.inference.prepare import bytes_of_image, fit, geometry, read_pixels
from vetgate.inference.rows import columns_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLOTS = 3
"""One being filled, one being answered, one waiting."""
SLOT_BYTES = 10 << 20
"""The ring stays within 32 MB unless one image alone is larger than a slot."""
ANSWER_BYTES = 8 << 20

Progress = Callable[[int, int], None]
Seen = Callable[[int, "NDArray[np.uint8]"], None]


@dataclass
class Lane:
    """One model on its way through the images."""

    worker: Worker
    card: Card
    wanted: NDArray[np.bool_]
    """(N,) images that it shall answer; the others are known from the cache, or not needed."""
    raw: NDArray[np.float32] | None = None
    """(N, C), what is known from the cache, filled up as answers come."""
    answered: NDArray[np.bool_] = field(init=False)
    """(N,) images that it answered."""
    error: VetgateError | None = None
    """Why it stopped; the other lanes go on."""
    pending: deque[Job] = field(default_factory=deque)
    repeats: bool = False
    """Whether they were answered before in this run, so that they are not counted twice."""
    due: float = 0.0
    """Monotonic time by which the oldest pending job must be answered."""

    def __post_init__(self) -> None:
        self.answered = np.zeros(len(self.wanted), dtype=np.bool_)


def _answer_bytes(card: Card) -> int:
    """Return the bytes that the answer to one image may take, where that may be many."""
    return 1 if card.output.task is Task.CLASSIFICATION else 4 * columns_of(card)


@dataclass(frozen=True)
class Job:
    """One batch in one slot of the ring."""

    slot: int
    rows: NDArray[np.intp]
    """Positions in the list of images."""


class Feed:
    """Drives lanes through a list of images.

    Args:
        images: The ring; resized here.
        source: The opened data.
        indices: (N,) which samples of the source, in order.
        lanes: The models.
        batch: Images at a time.
        seen: Told of every image that was decoded: its position in the list, and its pixels.
    """

    def __init__(
        self,
        images: SharedBuffer,
        source: SampleSet,
        indices: Sequence[int],
        lanes: list[Lane],
        batch: int,
        *,
        seen: Seen | None = None,
    ) -> None:
        self._seen = seen
        self._images, self._source, self._indices, self._lanes = images, source, indices, lanes
        self._inputs: dict[str, Input] = {geometry(lane.card.input): lane.card.input for lane in lanes}
        image_bytes = sum(map(bytes_of_image, self._inputs.values()))
        widest = max(_answer_bytes(lane.card) for lane in lanes)
        self.batch = max(1, min(batch, SLOT_BYTES // image_bytes, ANSWER_BYTES // widest))
        self._slot_bytes = self.batch * image_bytes
        self._users = [0] * SLOTS
        self.unreadable: dict[int, str] = {}
        images.resize(SLOTS * self._slot_bytes)
        for lane in lanes:
            lane.worker.answers.resize(SLOTS * ANSWER_BYTES)

    def run(self, progress: Progress) -> None:
        """Answer every wanted image; errors stay with their lane.

        Args:
            progress: Told (images done, images in all) after each batch.

        Raises:
            CardError: An image does not fit a card.
        """
        try:
            self._run(progress)
        except BaseException:
            for lane in self._lanes:
                if lane.pending:  # an answer that nobody fetched would be taken for that to the next question
                    lane.worker.kill()
            raise

    def _run(self, progress: Progress) -> None:
        wanted = np.flatnonzero(np.logical_or.reduce([lane.wanted for lane in self._lanes]))
        for start in range(0, len(wanted), self.batch):
            if all(lane.error for lane in self._lanes):
                return
            slot = self._free_slot()
            rows, blocks = self._fill(slot, wanted[start : start + self.batch])
            self._send(Job(slot, rows), blocks)
            progress(min(start + self.batch, len(wanted)), len(wanted))
        while any(lane.pending for lane in self._lanes):
            self._collect()

    def _free_slot(self) -> int:
        while True:
            for slot, users in enumerate(self._users):
                if users == 0:
                    return slot
            self._collect()

    def _fill(self, slot: int, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], dict[str, Block]]:
        """Decode images into a slot; return the rows that could be read and where each geometry's pixels stand."""
        fitted: dict[str, list[NDArray[np.uint8]]] = {key: [] for key in self._inputs}
        kept = []
        for row in rows.tolist():
            index = self._indices[row]
            try:
                pixels = read_pixels(self._source, index)
            except UnreadableImage as error:
                self.unreadable[row] = str(error)
                continue
            kept.append(row)
            if self._seen is not None:
                self._seen(row, pixels)
            name = self._source.samples.ids[index]
            for key, card in self._inputs.items():
                fitted[key].append(fit(pixels, card, name))
        offset, blocks = slot * self._slot_bytes, {}
        for key, images in fitted.items():
            if images:
                stacked = np.stack(images)
                self._images.array(offset, stacked.size, "u1")[:] = stacked.reshape(-1)
                count, height, width, channels = stacked.shape
                blocks[key] = Block(offset=offset, count=count, height=height, width=width, channels=channels)
                offset += stacked.size
        return np.asarray(kept, dtype=np.intp), blocks

    def _send(self, job: Job, blocks: dict[str, Block]) -> None:
        for lane in self._lanes:
            if lane.error or not len(job.rows) or not lane.wanted[job.rows].any():
                continue
            block = blocks[geometry(lane.card.input)]
            request = Predict(block=block, answer_offset=job.slot * ANSWER_BYTES, answer_capacity=ANSWER_BYTES)
            try:
                lane.worker.send(request)
            except VetgateError as error:
                self._stop(lane, error)
                continue
            if not lane.pending:
                lane.due = deadline(lane.worker)
            lane.pending.append(job)
            self._users[job.slot] += 1

    def _collect(self) -> None:
        """Wait for the next answer of any lane, or for the first to be overdue."""
        busy = [lane for lane in self._lanes if lane.pending]
        left = max(0.0, min(lane.due for lane in busy) - time.monotonic())
        ready = wait([lane.worker.connection for lane in busy], timeout=left)
        for lane in busy:
            try:
                if lane.worker.connection in ready:
                    self._take(lane)
                elif time.monotonic() >= lane.due:
                    raise lane.worker.hung()
            except VetgateError as error:
                self._stop(lane, error)

    def _take(self, lane: Lane) -> None:
        """Copy one answered batch out of the shared memory."""
        reply = lane.worker.receive()
        job = lane.pending[0]
        if not isinstance(reply, Predicted) or reply.rows != len(job.rows) or reply.columns < 1:
            raise WorkerFailed(f"{lane.worker.name}: answered {reply} for {len(job.rows)} images")
        if reply.rows * reply.columns * 4 > ANSWER_BYTES:
            raise WorkerFailed(f"{lane.worker.name}: says {reply.columns} outputs, for which there is no room")
        if lane.raw is None:
            lane.raw = np.zeros((len(self._indices), reply.columns), dtype=np.float32)
        if reply.columns != lane.raw.shape[1]:
            raise WorkerFailed(f"{lane.worker.name}: answered {reply.columns} outputs after {lane.raw.shape[1]}")
        lane.worker.count(reply, again=lane.repeats)
        flat = lane.worker.answers.array(job.slot * ANSWER_BYTES, reply.rows * reply.columns, "f4")
        answers = np.array(flat, dtype=np.float32).reshape(reply.rows, reply.columns)
        self._require_finite(lane, job, answers)
        lane.raw[job.rows] = answers
        lane.wanted[job.rows] = False
        lane.answered[job.rows] = True
        lane.pending.popleft()
        self._users[job.slot] -= 1
        lane.due = deadline(lane.worker)

    def _require_finite(self, lane: Lane, job: Job, answers: NDArray[np.float32]) -> None:
        bad = np.flatnonzero(~np.isfinite(answers).all(axis=1))
        if len(bad):
            first = self._source.samples.ids[self._indices[int(job.rows[bad[0]])]]
            more = f" and for {len(bad) - 1} more of its batch" if len(bad) > 1 else ""
            raise WorkerFailed(f"{lane.worker.name}: answered NaN or infinity for image {first!r}{more}")

    def _stop(self, lane: Lane, error: VetgateError) -> None:
        lane.error = error
        for job in lane.pending:
            self._users[job.slot] -= 1
        lane.pending.clear()
        lane.worker.kill()
