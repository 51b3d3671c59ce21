"""Where values stand along an axis, and its ticks. Pure arithmetic; values may be as great as floats are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vetgate_plot.axis import axis_of

GREATEST, LEAST = 1e300, 1e-300
"""Magnitudes beyond which a value stands at the end of its axis, or counts as 0."""
DECADES = 100
"""Above and below 1, that a logarithmic axis shows at most."""
ALIKE = 1e-9
"""Share of their magnitude that values must span to be drawn apart."""
TICKS = 5
"""At most about so many."""


@dataclass(frozen=True)
class Scale:
    """An axis."""

    low: float
    """Where it begins; log10 of it on a logarithmic one."""
    high: float
    ticks: tuple[float, ...]
    """Values within."""
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return where a value stands in [0, 1]; beyond the axis at its end."""
        bounded = min(max(value, -GREATEST), GREATEST)
        if self.logarithmic:
            bounded = math.log10(bounded) if bounded > LEAST else self.low
        return min(max((bounded - self.low) / (self.high - self.low), 0.0), 1.0)


def scale_of(
    values: Sequence[float], *, zero: bool = False, logarithmic: bool = False, room: float = 0.0, ticks: int = TICKS
) -> Scale:
    """Return an axis for some values.

    Args:
        values: All that it must show; finite.
        zero: Whether 0 belongs to it.
        logarithmic: Whether equal steps are equal ratios; of values none of which is above 0 it is linear.
        room: Share of the span left free on either side.
        ticks: How many it has at most, about.
    """
    bounded = [min(max(value, -GREATEST), GREATEST) for value in values] or [0.0]
    above = [value for value in bounded if value > LEAST]
    if logarithmic and above:
        found = axis_of([min(max(value, 10.0**-DECADES), 10.0**DECADES) for value in above])
        step = math.ceil(len(found.ticks) / ticks)
        return Scale(found.low, found.high, found.ticks[::step], logarithmic=True)
    if zero:
        bounded.append(0.0)
    low, high = min(bounded), max(bounded)
    largest = max(abs(low), abs(high))
    if largest < LEAST:
        return Scale(0.0, 1.0, (0.0,))
    if high - low < ALIKE * largest:
        low, high = low - largest / 10, high + largest / 10
    span = high - low
    low, high = low - (room * span if low or not zero else 0.0), high + (room * span if high or not zero else 0.0)
    return Scale(low, high, _ticks(low, high, ticks))


def _ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Return multiples of a round step."""
    decade = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0):
        width = step * decade
        first, last = math.ceil(low / width - ALIKE), math.floor(high / width + ALIKE)
        if last - first + 1 <= most:
            return tuple(float(f"{count * width:.12g}") for count in range(first, last + 1))
    return ()
