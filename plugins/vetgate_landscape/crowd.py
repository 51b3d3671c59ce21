"""Who stands so near the reference that a picture of all points would heap them up. Pure arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEWEST = 3
"""Points beside the reference that make a crowd."""
LEAST_GAIN = 2.5
"""Times that a picture of the crowd alone must magnify."""
MOST = 2
"""Crowds, each within the one before."""
GAP = 1.5
"""From the distance of one point to that of the next, as a ratio, where a crowd ends."""


def crowds_of(away: Array, reference: int) -> list[list[int]]:
    """Return the points of each crowd, ascending, the reference among them; the widest crowd first.

    A crowd ends at a gap between the distances of one point and of the next, at the outermost that is wide; where none
    is, at the widest.

    Args:
        away: (P,) distances to the reference.
        reference: Which point it is.
    """
    order = [index for index in np.argsort(away, kind="stable").tolist() if index != reference]
    crowds: list[list[int]] = []
    while len(crowds) < MOST:
        count = _ends(away[order])
        if count is None:
            break
        order = order[:count]
        crowds.append(sorted([reference, *order]))
    return crowds


def _ends(ascending: Array) -> int | None:
    """Return how many of the nearest make a crowd; None where there is none, or nothing to magnify it to."""
    gaps = {
        count: float(ascending[count] / ascending[count - 1])
        for count in range(FEWEST, len(ascending))
        if 0 < ascending[count - 1] <= ascending[-1] / LEAST_GAIN
    }
    wide = [count for count, gap in gaps.items() if gap >= GAP]
    if wide:
        return max(wide)
    return max(gaps, key=lambda count: gaps[count]) if gaps else None
