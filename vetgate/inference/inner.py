"""The inner tensors of a live model, on images that both models of a run are probed with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Card
from vetgate.domain.errors import DataError, Inconclusive, UnreadableImage, WorkerFailed
from vetgate.domain.model import Tap
from vetgate.domain.samples import SampleSet
from vetgate.inference.child import Worker
from vetgate.inference.memory import SharedBuffer
from vetgate.inference.message import Block, Capture, Captured, ListTaps, Tapped
from vetgate.inference.prepare import bytes_of_image, fit, read_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBES = 256
"""Images on which inner tensors are read: a signal-to-noise ratio of 40 dB is known to within about 0.3 dB by then."""
PROBE_BYTES = 64 << 20
"""Of the fitted images of one model."""
CAPTURE_BYTES = 64 << 20
"""Of the inner tensors that come back at once."""
LARGEST_TENSOR = 256 << 20
"""Bytes of one inner tensor of one image; a child's word for a shape is no reason to take any amount of memory."""


@dataclass
class Probes:
    """The images that inner tensors are read on: spread evenly over the run's, for folders come sorted by class.

    Args:
        images: The buffer that children read from; nothing that stands in it is overwritten.
        source: The opened data.
        indices: (N,) the samples of the run.
        cards: Of the models that are probed; each has every image fitted for it.
        offset: Bytes at the start of the buffer that are taken.
    """

    images: SharedBuffer
    source: SampleSet
    indices: Sequence[int]
    cards: Sequence[Card]
    offset: int
    _blocks: tuple[Block, ...] = field(init=False, default=())

    def block(self, place: int) -> Block:
        """Return where the probes stand, fitted for the card at a place; the first call reads them.

        Raises:
            DataError: No image can be read.
            CardError: An image does not fit a card.
        """
        if not self._blocks:
            self._blocks = tuple(self._load())
        return self._blocks[place]

    def _load(self) -> Iterator[Block]:
        fitted: list[list[NDArray[np.uint8]]] = [[] for _ in self.cards]
        for index in self._chosen():
            try:
                pixels = read_pixels(self.source, index)
            except UnreadableImage:
                continue
            for images, card in zip(fitted, self.cards, strict=True):
                images.append(fit(pixels, card.input, self.source.samples.ids[index]))
        if not fitted[0]:
            raise DataError("no image of the data set can be read, so no inner tensors were compared")
        offset = self.offset
        self.images.resize(offset + sum(image.size for images in fitted for image in images))
        for images in fitted:
            stacked = np.stack(images)
            self.images.array(offset, stacked.size, "u1")[:] = stacked.reshape(-1)
            count, height, width, channels = stacked.shape
            yield Block(offset=offset, count=count, height=height, width=width, channels=channels)
            offset += stacked.size

    def _chosen(self) -> list[int]:
        largest = max(bytes_of_image(card.input) for card in self.cards)
        count = max(1, min(PROBES, PROBE_BYTES // largest, len(self.indices)))
        places = np.linspace(0, len(self.indices) - 1, count).round().astype(np.int64)
        return [self.indices[place] for place in np.unique(places).tolist()]


class LiveInner:
    """Reads inner tensors of one model; nothing is opened or loaded before it is asked.

    Args:
        open_worker: Returns the child with the model open.
        probes: Shared by both models.
        place: Of this model's card among those of the probes.
        batch: Images that the model takes at a time.
    """

    def __init__(self, open_worker: Callable[[], Worker], probes: Probes, place: int, batch: int) -> None:
        self._open, self._probes, self._place, self._batch = open_worker, probes, place, batch
        self._told: Tapped | None = None

    @property
    def probes(self) -> int:
        """Images at hand for `capture`."""
        return self._probes.block(self._place).count

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors that can be read.

        Raises:
            Inconclusive: This format shows none.
            WorkerFailed: The child failed, or names tensors that cannot be.
        """
        return self._tell().taps

    def notes(self) -> tuple[str, ...]:
        """Return what a reader of inner tensors must know."""
        return self._tell().notes

    def capture(self, names: Sequence[str], first: int, count: int) -> Mapping[str, NDArray[np.float32]]:
        """Return inner tensors (count, *shape) for `count` of the probes from `first` on.

        Raises:
            WorkerFailed: A value is not finite, or the child failed.
        """
        block = self._probes.block(self._place)
        if not 0 <= first < first + count <= block.count:
            raise ValueError(f"images {first} to {first + count} were asked for; {block.count} are at hand")
        known = {tap.name: tap for tap in self._tell().taps}
        wanted = [known[name] for name in dict.fromkeys(names)]
        found = {tap.name: np.empty((count, *tap.shape), dtype=np.float32) for tap in wanted}
        for part in _parts(wanted):
            step = max(1, min(self._batch, CAPTURE_BYTES // max(1, sum(map(bytes_of, part)))))
            for start in range(0, count, step):
                rows = min(step, count - start)
                for tap, values in zip(part, self._ask(part, first + start, rows), strict=True):
                    found[tap.name][start : start + rows] = values
        return found

    def _tell(self) -> Tapped:
        """Return what the child says of its inner tensors, once made sure that it can be."""
        if self._told is None:
            self._told = list_taps(self._open())
        return self._told

    def _ask(self, taps: Sequence[Tap], first: int, count: int) -> Iterator[NDArray[np.float32]]:
        """Yield inner tensors (count, *shape) of a few images."""
        worker, block = self._open(), self._probes.block(self._place)
        one = block.size // block.count
        ask(worker, block.model_copy(update={"offset": block.offset + first * one, "count": count}), taps)
        yield from take(worker, count, taps)


def list_taps(worker: Worker) -> Tapped:
    """Return what a child says of its model's inner tensors, once made sure that it can be.

    Raises:
        Inconclusive: This format shows none, or one is too large to read.
        WorkerFailed: The child failed, or names tensors that cannot be.
    """
    worker.send(ListTaps())
    reply = worker.receive()
    if not isinstance(reply, Tapped):
        raise _nonsense(worker, f"answered {reply.kind} when its inner tensors were asked for")
    names = [tap.name for tap in reply.taps]
    if len(set(names)) < len(names) or any(min(tap.shape, default=0) < 1 for tap in reply.taps):
        raise _nonsense(worker, "names an inner tensor twice, or one without elements")
    for tap in reply.taps:
        if bytes_of(tap) > LARGEST_TENSOR:
            raise Inconclusive(f"{worker.name}: its inner tensor {tap.name!r} {tap.shape} is too large to read")
    return reply


def ask(worker: Worker, block: Block, taps: Sequence[Tap]) -> None:
    """Ask a child for inner tensors of a block of images; `take` fetches them.

    Raises:
        WorkerFailed: The child is gone.
    """
    capacity = block.count * sum(map(bytes_of, taps))
    worker.answers.resize(capacity)
    worker.send(Capture(block=block, names=tuple(tap.name for tap in taps), answer_capacity=capacity))


def take(worker: Worker, count: int, taps: Sequence[Tap]) -> Iterator[NDArray[np.float32]]:
    """Yield the inner tensors (count, *shape) that a child was asked for.

    Raises:
        WorkerFailed: They are not what was asked for, or a value is not finite.
    """
    reply = worker.receive()
    due = tuple((count, *tap.shape) for tap in taps)
    if not isinstance(reply, Captured) or reply.shapes != due:
        raise _nonsense(worker, "gave inner tensors of other shapes than it had named")
    offset = 0
    for tap, shape in zip(taps, due, strict=True):
        values = np.array(worker.answers.array(offset, math.prod(shape), "f4"), dtype=np.float32).reshape(shape)
        if not np.isfinite(values).all():
            raise WorkerFailed(f"{worker.name}: its inner tensor {tap.name!r} holds NaN or infinity")
        yield values
        offset += values.nbytes


def _parts(taps: Sequence[Tap]) -> Iterator[list[Tap]]:
    """Yield groups of tensors that come back at once: every group costs a run of the model."""
    part: list[Tap] = []
    for tap in taps:
        if part and sum(map(bytes_of, part)) + bytes_of(tap) > CAPTURE_BYTES:
            yield part
            part = []
        part.append(tap)
    if part:
        yield part


def bytes_of(tap: Tap) -> int:
    """Return the bytes of an inner tensor of one image."""
    return 4 * math.prod(tap.shape)


def _nonsense(worker: Worker, what: str) -> WorkerFailed:
    worker.kill()
    return WorkerFailed(f"{worker.name}: {what}")
