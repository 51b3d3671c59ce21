"""Where labels stand so that none covers another label or a bubble. Pure geometry, in pixels, y upwards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

GAP = 7.0
"""Pixels between a label and its bubble, and around a label."""
_ANGLES = tuple(math.radians(angle) for angle in range(0, 360, 15))
_STEPS = 26


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

    @property
    def centre(self) -> tuple[float, float]:
        """Return the middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def overlap(self, other: Box) -> float:
        """Return the area that both share, each with half a gap around it."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x) + GAP
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y) + GAP
        return max(wide, 0.0) * max(high, 0.0)

    def distance(self, x: float, y: float) -> float:
        """Return how far a point is outside."""
        across = max(self.x - x, 0.0, x - self.x - self.width)
        along = max(self.y - y, 0.0, y - self.y - self.height)
        return math.hypot(across, along)


def place(discs: Sequence[Disc], sizes: Sequence[tuple[float, float]], frame: Box) -> list[Box]:
    """Return a place for the label of each bubble: the nearest that is free, else the one that covers least.

    Args:
        discs: Bubbles.
        sizes: (width, height) of their labels.
        frame: Where labels may stand.
    """
    placed: dict[int, Box] = {}
    for index in sorted(range(len(discs)), key=lambda index: (-discs[index].y, discs[index].x)):
        taken = list(placed.values())
        choices = [(_cost(box, taken, discs, step), box) for step, box in _choices(discs[index], sizes[index], frame)]
        placed[index] = min(choices, key=lambda choice: choice[0])[1]
    return [placed[index] for index in range(len(discs))]


def _choices(disc: Disc, size: tuple[float, float], frame: Box) -> Iterator[tuple[int, Box]]:
    """Yield places around a bubble, the nearest first, moved into the frame; to the right of it is preferred."""
    width, height = size
    for step in range(_STEPS):
        reach = disc.radius + GAP + 9.0 * step
        for angle in _ANGLES:
            x = disc.x + reach * math.cos(angle) + (math.cos(angle) - 1) * width / 2
            y = disc.y + reach * math.sin(angle) + (math.sin(angle) - 1) * height / 2
            x = min(max(x, frame.x), frame.x + frame.width - width)
            y = min(max(y, frame.y), frame.y + frame.height - height)
            yield step, Box(x, y, width, height)


def _cost(box: Box, taken: Sequence[Box], discs: Sequence[Disc], step: int) -> float:
    """Return what a place costs: labels covered above all, then bubbles, then the way."""
    labels = sum(box.overlap(other) for other in taken)
    bubbles = sum(max(disc.radius + GAP / 2 - box.distance(disc.x, disc.y), 0.0) for disc in discs)
    return 1e4 * labels + 1e2 * bubbles + step
