"""The bounds of a figure, from what it comes with."""

from __future__ import annotations

import math

from vetgate.domain.evidence import Counts, Exact, Looks, Measurement, PairedCounts, Pairs, Quantiles
from vetgate.statistics.betting import betting_bounds
from vetgate.statistics.bounds import Bounds
from vetgate.statistics.paired import paired_bounds
from vetgate.statistics.proportion import proportion_bounds
from vetgate.statistics.signs import sign_bounds

SAME_LEVEL = 1e-9
"""Levels this near are one: 1 - 0.95 is not quite 0.05 in floating point."""


def stated_bounds(measurement: Measurement, confidence: float) -> Bounds | None:
    """Return the one-sided bounds of a figure at a level; None where it states none there.

    Args:
        measurement: The figure.
        confidence: In (0, 1), of each bound; it means nothing for exact figures.
    """
    value = measurement.value
    match measurement.uncertainty:
        case Exact():
            return Bounds(value, value, value, "exact")
        case Counts(k=k, n=n):
            return proportion_bounds(k, n, confidence)
        case PairedCounts(b=b, c=c, n=n):
            return paired_bounds(b, c, n, confidence)
        case Looks(up=up, n=n, down=down):
            return betting_bounds(up, n, confidence, down)
        case Pairs(log_ratios=log_ratios) if log_ratios:
            return sign_bounds(log_ratios, confidence)
        case Quantiles(levels=levels, values=values, method=method):
            lower, upper = (_at(level, levels, values) for level in (1.0 - confidence, confidence))
            return Bounds(value, lower, upper, method) if lower is not None and upper is not None else None
    return None


def _at(wanted: float, levels: tuple[float, ...], values: tuple[float, ...]) -> float | None:
    pairs = zip(levels, values, strict=False)  # a report may have been edited
    return next((value for level, value in pairs if math.isclose(level, wanted, abs_tol=SAME_LEVEL)), None)
