"""Where the pixels that reach a model lie on the image that they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Input, Resize
from vetgate.domain.scene import NO_CLASS, Boxes
from vetgate.inference.prepare import resized

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """One image and how a card brings it to the model's size."""

    image: tuple[int, int]
    """(height, width) of the image."""
    card: Input

    @property
    def whole(self) -> tuple[int, int]:
        """(height, width) of the image once resized, before a crop."""
        return resized(self.image, self.card.resize) if isinstance(self.card.resize, Resize) else self.image

    @property
    def corner(self) -> tuple[int, int]:
        """(top, left) of what reaches the model, in the resized image."""
        (rows, columns), (height, width) = self.whole, self.card.size
        return ((rows - height) // 2, (columns - width) // 2) if self.card.crop == "center" else (0, 0)

    def spread(self, found: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a map (h, w) of the model's input in the image's own pixels (H, W), NO_CLASS where a crop cut it off.

        Each pixel takes the class of the cell that its middle falls in; the cells divide the input evenly.
        """
        rows, columns = (self._cells(axis, found.shape[axis]) for axis in (0, 1))
        out = np.full(self.image, NO_CLASS, dtype=np.uint8)
        here, there = np.flatnonzero(rows >= 0), np.flatnonzero(columns >= 0)
        out[np.ix_(here, there)] = found[np.ix_(rows[here], columns[there])]
        return out

    def _cells(self, axis: int, cells: int) -> NDArray[np.int64]:
        """Return the cell of each row or column of the image, -1 where it never reached the model."""
        length, size = self.image[axis], self.card.size[axis]
        middle = (np.arange(length) + 0.5) * (self.whole[axis] / length) - self.corner[axis]
        found = np.floor(middle * (cells / size)).astype(np.int64)
        return np.where((middle >= 0) & (middle < size), np.clip(found, 0, cells - 1), -1)

    def restore(self, boxes: Boxes) -> Boxes:
        """Return boxes in pixels of the model's input as boxes in the image's own pixels."""
        (top, left), (rows, columns), (height, width) = self.corner, self.whole, self.image
        moved = boxes.corners + np.array([left, top, left, top])
        scale = np.array([width / columns, height / rows] * 2)
        return replace(boxes, corners=np.clip(moved * scale, 0.0, [width, height, width, height]))
