"""A live model for checks that time it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.check import ColdStart
from vetgate.domain.errors import CardError, DataError, UnreadableImage, WorkerFailed
from vetgate.domain.model import Execution, ServerTimes
from vetgate.domain.samples import SampleSet
from vetgate.inference.message import Block, Rehearsed, Time, Timed
from vetgate.inference.prepare import LARGEST, bytes_of_image, fit, read_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from vetgate.domain.card import Card
    from vetgate.inference.child import Worker
    from vetgate.inference.memory import SharedBuffer


class LiveSession:
    """One opened worker with a batch of real images at hand.

    Args:
        worker: Opened.
        block: The batch, as it stands in the input buffer.
        rehearse: Starts the same model in a process of its own, lets it answer a block, and ends it.
    """

    def __init__(self, worker: Worker, block: Block, rehearse: Callable[[Block], Rehearsed]) -> None:
        self._worker, self._block, self._rehearse = worker, block, rehearse
        self._served: list[ServerTimes] = []

    @property
    def execution(self) -> Execution:
        """What really runs."""
        if self._worker.execution is None:
            raise WorkerFailed(f"{self._worker.name}: is not open")
        return self._worker.execution

    @property
    def server_times(self) -> ServerTimes | None:
        """What the server counted of all timed calls so far; None where none answers, or it counts nothing."""
        if not self._served:
            return None
        return ServerTimes(
            requests=sum(each.requests for each in self._served),
            queue=sum(each.queue for each in self._served),
            compute=sum(each.compute for each in self._served),
            sent=sum(each.sent for each in self._served),
            seconds=sum(each.seconds for each in self._served),
        )

    @property
    def batch(self) -> int:
        """Images of a timed call that is not told otherwise."""
        return self._block.count

    def time(self, calls: int, *, batch: int | None = None) -> NDArray[np.float64]:
        """Return the seconds (calls,) of each prediction of one batch, measured inside the child.

        Args:
            calls: How often to predict.
            batch: Images of a call, the first of the deployment batch; None is all of them.

        Raises:
            WorkerFailed: The child failed, hung, or gave another number of times than was asked for.
        """
        count = self.batch if batch is None else batch
        if not 1 <= count <= self.batch:
            raise ValueError(f"a call of {count} images was asked for; 1 to {self.batch} are at hand")
        self._worker.send(Time(block=self._block.model_copy(update={"count": count}), calls=calls))
        reply = self._worker.receive()
        if not isinstance(reply, Timed) or len(reply.seconds) != calls or min(reply.seconds, default=0.0) <= 0:
            self._worker.kill()
            raise WorkerFailed(f"{self._worker.name}: gave no {calls} positive times")
        if reply.server is not None:
            self._served.append(reply.server)
        return np.asarray(reply.seconds, dtype=np.float64)

    def start_afresh(self) -> ColdStart:
        """Start the model once more in a process of its own, let it answer one deployment batch, and end it.

        Raises:
            VetgateError: It could not be started, or could not answer.
        """
        found = self._rehearse(self._block)
        return ColdStart(found.opening, found.first, found.memory_before, found.memory_peak)


def load_batches(images: SharedBuffer, source: SampleSet, indices: list[int], cards: list[Card]) -> list[Block]:
    """Put one deployment batch for each card into the input buffer; the first readable images, repeated where too few.

    Raises:
        DataError: No image can be read.
        CardError: A card asks for a batch that is too large, or an image does not fit it.
    """
    for card in cards:
        if card.batch * bytes_of_image(card.input) > LARGEST:
            raise CardError(f"a card asks for batches of {card.batch} images; {LARGEST} bytes are the most")
    pixels, names = _first_readable(source, indices, max(card.batch for card in cards))
    batches = []
    for card in cards:
        fitted = [fit(image, card.input, name) for image, name in zip(pixels, names, strict=True)]
        batches.append(np.stack([fitted[place % len(fitted)] for place in range(card.batch)]))
    images.resize(sum(batch.size for batch in batches))
    offset, blocks = 0, []
    for batch in batches:
        images.array(offset, batch.size, "u1")[:] = batch.reshape(-1)
        count, height, width, channels = batch.shape
        blocks.append(Block(offset=offset, count=count, height=height, width=width, channels=channels))
        offset += batch.size
    return blocks


def _first_readable(source: SampleSet, indices: list[int], most: int) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """Return the first images that can be read, `most` at most, and their ids."""
    pixels: list[NDArray[np.uint8]] = []
    names: list[str] = []
    for index in indices:
        if len(pixels) == most:
            break
        try:
            pixels.append(read_pixels(source, index))
            names.append(source.samples.ids[index])
        except UnreadableImage:
            continue
    if not pixels:
        raise DataError("no image of the data set can be read")
    return pixels, names
