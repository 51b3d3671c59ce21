"""Axes of the bubble chart: logarithms, so that equal distances are equal steps of the OpScore. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

PADDING = 0.14
"""Of the span, on either side: room for half a bubble."""
LEAST_SPAN = 0.08
"""Decades that an axis shows at least."""
FEWEST, MOST = 5, 9
"""Ticks."""


@dataclass(frozen=True)
class Axis:
    """Where an axis begins and ends, and its ticks; all as log10."""

    low: float
    high: float
    ticks: tuple[float, ...]
    """Values, not logarithms, within the axis."""


def axis_of(values: Sequence[float], largest: float = math.inf) -> Axis:
    """Return an axis that shows all values with room around them.

    Args:
        values: Above 0, at least one.
        largest: Value that no tick passes.
    """
    logs = [math.log10(value) for value in values]
    low, high = min(logs), max(logs)
    pad = max(PADDING * (high - low), (LEAST_SPAN - (high - low)) / 2)
    low, high = low - pad, high + pad
    return Axis(low, high, _ticks(10.0**low, min(10.0**high, largest)))


def _ticks(low: float, high: float) -> tuple[float, ...]:
    """Return round values between two ends, from the coarsest series that has enough of them."""
    found: list[float] = []
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)):
        found = _series(low, high, steps)
        if len(found) >= FEWEST:
            return tuple(found[:: math.ceil(len(found) / MOST)])
    return tuple(_even(low, high)) or tuple(found)


def _series(low: float, high: float, steps: Sequence[float]) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = (float(f"{step}e{decade}") for decade in decades for step in steps)
    return [value for value in values if low <= value <= high]


def _even(low: float, high: float) -> list[float]:
    """Return multiples of a round step between two ends less than a few times apart."""
    decade = 10.0 ** math.floor(math.log10((high - low) / FEWEST))
    for step in (1.0, 2.0, 2.5, 5.0, 10.0):
        width = step * decade
        first, last = math.ceil(low / width), math.floor(high / width)
        if last - first + 1 <= MOST:
            return [float(f"{count * width:.12g}") for count in range(first, last + 1)]
    return []
