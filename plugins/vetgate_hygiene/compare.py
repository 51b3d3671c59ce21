"""How alike two images are: the best correlation of their rings, either of them mirrored or cropped a little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vetgate_hygiene.descriptor import FINE, GRID, SEARCHED, Window, describe, mirror

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BATCH = 128
"""Pairs compared at once: 81 crops of 128 images are 11 MB."""


def likeness(
    first: NDArray[np.uint8], second: NDArray[np.uint8], windows: Sequence[Window] = GRID
) -> NDArray[np.float64]:
    """Return (P,) how alike the images of each pair are: 1 for a copy, 0 for what has nothing in common.

    The order in a pair makes no difference. 0 also where one of them shows nothing.

    Args:
        first: (P, SIDE, SIDE) sketches.
        second: (P, SIDE, SIDE) sketches.
        windows: Crops that are tried of either; the whole image comes first.
    """
    out = np.empty(len(first), dtype=np.float64)
    signs = mirror(FINE)
    for start in range(0, len(first), BATCH):
        part = slice(start, start + BATCH)
        ours, theirs = (describe(images[part], windows, FINE) for images in (first, second))
        best = np.zeros(len(ours))
        for cropped, whole in ((ours, theirs[:, 0]), (theirs, ours[:, 0])):
            ways = np.stack((whole, whole * signs), axis=2)
            best = np.maximum(best, np.matmul(cropped, ways).max(axis=(1, 2)))
        out[part] = best
    return np.clip(out, 0, 1)


def screen(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return (P,) the same by few crops, to tell which pairs are worth comparing by all."""
    return likeness(first, second, SEARCHED)
