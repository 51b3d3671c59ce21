"""Where labels stand so that none covers another label or a bubble, and no line runs through one.

Pure geometry, in pixels, y upwards. Every label in turn takes the place that costs least among the others, and again
until none moves: the first ones did not know yet where the last would have to stand. Of several
orders the best is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

GAP = 7.0
"""Pixels between a label and its bubble, and around a label."""
_ANGLES = np.radians(np.arange(0, 360, 15))
_STEPS = np.concatenate([np.arange(12), np.arange(12, 40, 2)])
_STEP = 9.0
"""Pixels from one place to the next farther one."""
_ROUNDS = 12
_AROUND = 3.0
"""Pixels between a line and what it keeps away from."""
_COVERED, _STRUCK, _BUBBLE, _MISTAKEN, _CROSSED = 1e4, 1e6, 1e2, 1e3, 1e2
"""Costs of a pixel^2 shared with a label, a label with a line through it, a pixel of depth in a bubble, a line over the
middle of a bubble that is not its own, two lines that cross; the way costs a quarter of its steps squared."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Disc:
    """A bubble."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Box:
    """A rectangle by its lower left corner."""

    x: float
    y: float
    width: float
    height: float

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Return the point of the rectangle that is nearest to a point: where the line from its bubble ends."""
        return min(max(x, self.x), self.x + self.width), min(max(y, self.y), self.y + self.height)


@dataclass(frozen=True)
class _Boxes:
    """Rectangles, and the lines that join them to their bubbles."""

    corners: Array
    """(N, 2): x, y of the lower left corner."""
    sizes: Array
    """(N, 2): width, height."""
    anchors: Array
    """(N, 2): middles of their bubbles."""

    @cached_property
    def ends(self) -> Array:
        """Return the other ends (N, 2) of the lines."""
        return np.clip(self.anchors, self.corners, self.corners + self.sizes)


_SIDES = ("corners", "sizes", "anchors")


def place(
    discs: Sequence[Disc],
    sizes: Sequence[tuple[float, float]],
    frame: Box,
    lines: Sequence[tuple[tuple[float, float], tuple[float, float]]] = (),
) -> list[Box]:
    """Return a place for the label of each bubble: the nearest that is free, else the one that covers least.

    Args:
        discs: Bubbles; those after the last label have none, but are not to be covered either.
        sizes: (width, height) of their labels.
        frame: Where labels may stand.
        lines: Both ends of lines that labels had better not hide.
    """
    if not sizes:
        return []
    labelled = discs[: len(sizes)]
    fixed = np.asarray(lines, dtype=np.float64).reshape(-1, 2, 2)
    choices = [_choices(disc, size, frame) for disc, size in zip(labelled, sizes, strict=True)]
    search = _Search(choices, [_alone(boxes, discs, fixed) for boxes in choices])
    downwards = sorted(range(len(labelled)), key=lambda index: (-discs[index].y, discs[index].x))
    across = sorted(range(len(labelled)), key=lambda index: (discs[index].x, discs[index].y))
    orders = (downwards, downwards[::-1], across, across[::-1])
    taken = min((search.settle(order) for order in orders), key=lambda settled: settled[0])[1]
    found = (choices[index].corners[taken[index]] for index in range(len(sizes)))
    return [Box(float(x), float(y), *size) for (x, y), size in zip(found, sizes, strict=True)]


class _Search:
    """The search for places in which no label can better itself.

    What a label in one place costs all places of the others is worked out once, whoever asks and in whatever order.

    Args:
        choices: Of each label.
        alone: Of each label, what each of its places costs whatever the others do.
    """

    def __init__(self, choices: Sequence[_Boxes], alone: Sequence[Array]) -> None:
        self._every = _Boxes(*(np.concatenate([getattr(boxes, side) for boxes in choices]) for side in _SIDES))
        self._places = len(alone[0])
        self._alone = np.stack(alone)
        self._known: dict[tuple[int, int], Array] = {}

    def settle(self, order: Sequence[int]) -> tuple[float, dict[int, int]]:
        """Return what the places cost when labels take them in this order, and each label's place."""
        taken: dict[int, int] = {}
        costs: dict[int, float] = {}
        whole = self._alone.copy()
        for _ in range(_ROUNDS):
            moved = False
            for index in order:
                at = int(np.argmin(whole[index]))
                costs[index] = float(whole[index, at])
                if taken.get(index) != at:
                    whole += self._cost_of(index, at)
                    if index in taken:
                        whole -= self._cost_of(index, taken[index])
                    taken[index], moved = at, True
            if not moved:
                break
        return sum(costs.values()), taken

    def _cost_of(self, index: int, at: int) -> Array:
        """Return what a label in one place costs every place (labels, places) of the others."""
        if (index, at) not in self._known:
            row = index * self._places + at
            mine = _Boxes(*(getattr(self._every, side)[row : row + 1] for side in _SIDES))
            cost = _among(self._every, mine).reshape(self._alone.shape)
            cost[index] = 0.0
            self._known[index, at] = cost
        return self._known[index, at]


def _choices(disc: Disc, size: tuple[float, float], frame: Box) -> _Boxes:
    """Return places around a bubble, the nearest first, moved into the frame; to the right of it is preferred."""
    across, along = np.cos(_ANGLES), np.sin(_ANGLES)
    reach = disc.radius + GAP + _STEP * _STEPS[:, None]
    x = disc.x + reach * across + (across - 1) * size[0] / 2
    y = disc.y + reach * along + (along - 1) * size[1] / 2
    x = np.clip(x, frame.x, frame.x + frame.width - size[0]).ravel()
    y = np.clip(y, frame.y, frame.y + frame.height - size[1]).ravel()
    corners = np.stack([x, y], axis=1)
    return _Boxes(corners, np.full_like(corners, size), np.full_like(corners, (disc.x, disc.y)))


def _alone(boxes: _Boxes, discs: Sequence[Disc], lines: Array) -> Array:
    """Return what each place costs whatever the other labels do: bubbles and lines in its way, and how far it is."""
    ends = np.asarray([(disc.x, disc.y, disc.radius) for disc in discs])
    centres = ends[None, :, :2]
    nearest = np.clip(centres, boxes.corners[:, None], (boxes.corners + boxes.sizes)[:, None])
    away = nearest - centres
    depth = ends[:, 2] + GAP / 2 - np.hypot(away[..., 0], away[..., 1])
    hidden = _through(lines[None, :, 0], lines[None, :, 1], boxes.corners[:, None], boxes.sizes[:, None])
    middles = centres - _AROUND, np.full_like(centres, 2 * _AROUND)
    mistaken = _through(boxes.anchors[:, None], boxes.ends[:, None], *middles)  # its own too, from every place alike
    cost = _BUBBLE * np.maximum(depth, 0.0).sum(axis=1) + np.repeat(_STEPS**2 / 4, len(_ANGLES))
    cost += _CROSSED * hidden.sum(axis=1) + _MISTAKEN * mistaken.sum(axis=1)
    return np.asarray(cost, dtype=np.float64)


def _among(boxes: _Boxes, others: _Boxes) -> Array:
    """Return what each place costs beside the labels that stand: those covered, and lines through either."""
    corners, sizes, anchors, ends = (side[:, None] for side in (boxes.corners, boxes.sizes, boxes.anchors, boxes.ends))
    across, along = (
        np.minimum(corners[..., axis] + sizes[..., axis], others.corners[:, axis] + others.sizes[:, axis])
        - np.maximum(corners[..., axis], others.corners[:, axis])
        + GAP
        for axis in (0, 1)
    )
    covered = np.maximum(across, 0.0) * np.maximum(along, 0.0)
    struck = _through(anchors, ends, others.corners, others.sizes).astype(np.int64)
    struck += _through(others.anchors, others.ends, corners, sizes)
    crossed = _cross(anchors, ends, others.anchors, others.ends)
    cost = (_COVERED * covered + _STRUCK * struck + _CROSSED * crossed).sum(axis=1)
    return np.asarray(cost, dtype=np.float64)


def _through(start: Array, end: Array, corners: Array, sizes: Array) -> NDArray[np.bool_]:
    """Return whether lines (..., 2) to (..., 2) come near rectangles, by Liang and Barsky's clip."""
    entered, left = np.zeros(()), np.ones(())
    outside = np.zeros((), dtype=np.bool_)
    for axis in (0, 1):  # one after the other: an axis of length 2 is slow in numpy
        first, low = start[..., axis], corners[..., axis] - _AROUND
        way, high = end[..., axis] - first, corners[..., axis] + sizes[..., axis] + _AROUND
        still = np.abs(way) < 1e-9
        safe = np.where(still, 1.0, way)
        one, other = (low - first) / safe, (high - first) / safe
        outside = outside | (still & ((first < low) | (first > high)))
        entered = np.maximum(entered, np.where(still, 0.0, np.minimum(one, other)))
        left = np.minimum(left, np.where(still, 1.0, np.maximum(one, other)))
    touched: NDArray[np.bool_] = (entered <= left) & ~outside
    return touched


def _cross(start: Array, end: Array, start2: Array, end2: Array) -> NDArray[np.bool_]:
    """Return whether lines cross."""

    def side(of: Array, to: Array, point: Array) -> Array:
        across, along = to[..., 0] - of[..., 0], to[..., 1] - of[..., 1]
        turned = across * (point[..., 1] - of[..., 1]) - along * (point[..., 0] - of[..., 0])
        return np.asarray(turned, dtype=np.float64)

    apart = side(start, end, start2) * side(start, end, end2) < 0
    crossed: NDArray[np.bool_] = apart & (side(start2, end2, start) * side(start2, end2, end) < 0)
    return crossed
