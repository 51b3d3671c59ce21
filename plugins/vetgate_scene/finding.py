"""Which of the reference's boxes a candidate finds again: no labels are needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Boxes, DetectionTable, TrueBoxes

SURE = 0.5
"""Score from which a box is taken to be an object."""
OVERLAP = 0.5
"""Intersection over union from which two boxes are the same."""


@dataclass(frozen=True)
class FoundAgain:
    """Of each image, boxes with a score of SURE or more."""

    wanted: NDArray[np.float64]
    """(N,) of the reference."""
    given: NDArray[np.float64]
    """(N,) of the candidate."""
    found: NDArray[np.float64]
    """(N,) of the reference that the candidate has too."""
    overlap: NDArray[np.float64]
    """(N,) sum of the intersection over union of these."""

    @classmethod
    def of(cls, table: DetectionTable) -> FoundAgain:
        """Return the counts of a table."""
        rows = [_compare(*pair) for pair in zip(table.candidate, table.reference, strict=True)]
        return cls(*np.asarray(rows, dtype=np.float64).reshape(len(rows), 4).T)


def _compare(candidate: Boxes, reference: Boxes) -> tuple[int, int, int, float]:
    mine, theirs = (np.flatnonzero(boxes.scores >= SURE) for boxes in (candidate, reference))
    matched = list(match(candidate, mine, reference, theirs))
    return len(theirs), len(mine), len(matched), sum(matched)


def match(boxes: Boxes, chosen: NDArray[np.intp], others: Boxes, wanted: NDArray[np.intp]) -> Iterator[float]:
    """Yield the overlap of each box with the other that it is, the surest first; each is taken once.

    Args:
        boxes: With scores descending.
        chosen: Which of them take part.
        others: To be found.
        wanted: Which of them take part.
    """
    overlaps = overlap(boxes.corners[chosen], others.corners[wanted])
    overlaps[boxes.classes[chosen][:, np.newaxis] != others.classes[wanted]] = 0.0
    for row in overlaps:
        if row.size and row.max() >= OVERLAP:
            best = int(row.argmax())
            yield float(row[best])
            overlaps[:, best] = 0.0


def match_any(boxes: Boxes, objects: TrueBoxes) -> Iterator[tuple[int, int]]:
    """Yield each sure box, whatever its class, with the object that it is, the surest first; each is taken once.

    Args:
        boxes: With scores descending.
        objects: Crowds among them are left out.
    """
    sure, single = np.flatnonzero(boxes.scores >= SURE), np.flatnonzero(~objects.crowd)
    overlaps = overlap(boxes.corners[sure], objects.corners[single])
    for box, row in zip(sure.tolist(), overlaps, strict=True):
        if row.size and row.max() >= OVERLAP:
            best = int(row.argmax())
            yield box, int(single[best])
            overlaps[:, best] = 0.0


def overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (A, B) intersection over union of boxes (A, 4) and (B, 4); 0 for boxes without an area."""
    one, other = first[:, np.newaxis], second[np.newaxis]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = np.clip(sides, 0.0, None).prod(axis=2)
    areas = [(each[..., 2:] - each[..., :2]).prod(axis=2) for each in (one, other)]
    union = areas[0] + areas[1] - shared
    shares: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares
