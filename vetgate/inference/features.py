"""A model's feature map on many images: which tensor that is, and each image once through its live child."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.errors import UsageError
from vetgate.domain.model import Tap
from vetgate.inference.child import Worker
from vetgate.inference.feed import SLOT_BYTES
from vetgate.inference.inner import CAPTURE_BYTES, ask, bytes_of, take
from vetgate.inference.memory import SharedBuffer
from vetgate.inference.message import Block
from vetgate.label import shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 12
"""Names of inner tensors that a message lists."""
LONGEST_NAME = 80
"""Characters of a tensor's name in a note; TFLite joins those of all layers that were fused into it."""

Pixels = Callable[[int], "NDArray[np.uint8]"]
"""Returns an image (H, W, 1 or 3) by its position in the list, fitted to the model's card."""
Take = Callable[["NDArray[np.intp]", "NDArray[np.float32]"], None]
"""Is given positions (n,) and the feature maps (n, C, h, w) of these images."""


@dataclass(frozen=True)
class Chosen:
    """The feature map of a model."""

    tap: Tap | None
    """None where there is none."""
    note: str
    """How it was found, or why there is none."""


def choose(taps: Sequence[Tap], notes: Sequence[str], wanted: str | None, model: str) -> Chosen:
    """Return the inner tensor to take for the feature map.

    Args:
        taps: All of the model's, in the order in which they are computed.
        notes: What a reader of them must know.
        wanted: A name that the user gives; None takes the last map before pooling and classifier.
        model: What messages call the model.

    Raises:
        UsageError: There is no tensor of that name, or it is no map of more than one position.
    """
    maps = [tap for tap in taps if len(tap.shape) == 3 and tap.shape[1] * tap.shape[2] > 1]
    if wanted is not None:
        return _named(wanted, taps, maps, notes, model)
    found = next((tap for tap in taps if tap.spatial), None)
    if found is None:
        return Chosen(None, f"{model} has no inner tensor of more than one position before its classifier")
    told = f"{shorten(found.name, LONGEST_NAME)} {_size(found)}: the last one before pooling and classifier"
    return Chosen(found, "; ".join((told, *notes)))


def _named(wanted: str, taps: Sequence[Tap], maps: Sequence[Tap], notes: Sequence[str], model: str) -> Chosen:
    listing = ", ".join(f"{tap.name} {_size(tap)}" for tap in reversed(maps[-SHOWN:])) or "none"
    more = f", and {len(maps) - SHOWN} earlier ones" if len(maps) > SHOWN else ""
    hint = f"--feature-map NAME takes one of, last first: {listing}{more}"
    tap = next((tap for tap in taps if tap.name == wanted), None)
    if tap is None:
        raise UsageError(f"{model} has no inner tensor {wanted!r}", hint=hint)
    if tap not in maps:
        raise UsageError(f"{model}: the inner tensor {wanted!r} is {_size(tap)}, so it cannot show where", hint=hint)
    return Chosen(tap, "; ".join((f"{shorten(tap.name, LONGEST_NAME)} {_size(tap)}: named by the user", *notes)))


def _size(tap: Tap) -> str:
    return "(" + " x ".join(map(str, tap.shape)) + ")"


class Stream:
    """Sends images through a live child and takes one inner tensor of each; one batch is prepared meanwhile.

    Args:
        worker: Opened.
        buffer: What it reads images from; overwritten.
        tap: The tensor.
        pixels: Where images come from.
        batch: Images that the model takes at a time.
    """

    def __init__(self, worker: Worker, buffer: SharedBuffer, tap: Tap, pixels: Pixels, batch: int) -> None:
        self._worker, self._buffer, self._tap, self._pixels, self._batch = worker, buffer, tap, pixels, batch
        self._slot = 0
        """Bytes of a batch of images."""

    def run(self, rows: NDArray[np.intp], give: Take, tell: Callable[[int, int], None]) -> None:
        """Hand the tensors of some images on, in their order.

        Args:
            rows: (N,) positions of the images.
            give: Is given them, a batch at a time.
            tell: Told (done, total) images.

        Raises:
            WorkerFailed: The child failed, or a value is not finite.
        """
        waiting: NDArray[np.intp] | None = None
        done = 0
        try:
            for place, part in enumerate(self._parts(rows)):
                block = self._fill(place % 2, part)
                if waiting is not None:
                    fetched, waiting = waiting, None
                    self._fetch(fetched, give)
                    done += len(fetched)
                    tell(done, len(rows))
                ask(self._worker, block, [self._tap])
                waiting = part
            if waiting is not None:
                fetched, waiting = waiting, None
                self._fetch(fetched, give)
                tell(len(rows), len(rows))
        except BaseException:
            if waiting is not None:  # an answer that nobody fetched would be taken for that to the next question
                self._worker.kill()
            raise

    def _parts(self, rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        if not len(rows):
            return
        size = self._pixels(int(rows[0])).size
        step = max(1, min(self._batch, CAPTURE_BYTES // bytes_of(self._tap), SLOT_BYTES // size))
        self._slot = step * size
        self._buffer.resize(2 * self._slot)
        for start in range(0, len(rows), step):
            yield rows[start : start + step]

    def _fill(self, slot: int, rows: NDArray[np.intp]) -> Block:
        images = np.stack([self._pixels(row) for row in rows.tolist()])
        count, height, width, channels = images.shape
        offset = slot * self._slot
        self._buffer.array(offset, images.size, "u1")[:] = images.reshape(-1)
        return Block(offset=offset, count=count, height=height, width=width, channels=channels)

    def _fetch(self, rows: NDArray[np.intp], give: Take) -> None:
        (values,) = take(self._worker, len(rows), [self._tap])
        give(rows, values)
