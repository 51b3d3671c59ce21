"""How sure the change of one figure between two runs is: its interval, and its chance if nothing had changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from vetgate.domain.evidence import Measurement, Of, PairedCounts, Quantiles

FAR = (0.9999, 0.99999, 0.999999, 0.99999999)
"""Levels far out, where p-values of many figures are told apart; figures that come as counts state them exactly."""


@dataclass(frozen=True)
class Tested:
    """The change of one figure, tested against none."""

    lower: float
    """Ends of the two-sided interval."""
    upper: float
    p: float
    """Two-sided, in [0, 1]."""


def tested_change(change: Measurement, confidence: float) -> Tested | None:
    """Return the interval of a change and its p-value; None where its uncertainty is not known.

    Counts of paired images are tested by the test that bounds them. Where the two runs state bounds at some levels
    alone, those between are interpolated on the scale of a normal distribution, and beyond the last, where a bootstrap
    has too few replicates to tell, the bounds go on as those of a normal distribution do.

    Args:
        change: A difference or ratio from `beside.compare`.
        confidence: Of the interval, in (0.5, 1); its two sides err by half of the rest each.
    """
    side = (1.0 + confidence) / 2
    none = 1.0 if change.role is Of.RATIO else 0.0
    match change.uncertainty:
        case PairedCounts(b=b, c=c, n=n):
            from vetgate.statistics import paired_bounds, paired_decision_p

            bounds, found = paired_bounds(b, c, n, side), paired_decision_p(b, c, n, 0.0, side)
            return Tested(bounds.lower, bounds.upper, min(1.0, 2 * min(found.greater, found.less)))
        case Quantiles(levels=levels, values=values) if len(levels) == len(values):
            return _by_quantiles(change.value, list(zip(levels, values, strict=True)), none, side)
    return None


def _by_quantiles(value: float, stated: list[tuple[float, float]], none: float, side: float) -> Tested | None:
    from scipy.special import ndtr, ndtri

    down = _Reach.of((float(-ndtri(level)), value - bound) for level, bound in reversed(stated) if level < 0.5)
    up = _Reach.of((float(ndtri(level)), bound - value) for level, bound in stated if level > 0.5)
    if down is None or up is None:
        return None
    errors = (down if value > none else up).errors_at(abs(value - none))
    half = float(ndtri(side))
    return Tested(value - down.at(half), value + up.at(half), min(1.0, 2 * float(ndtr(-errors))))


@dataclass(frozen=True)
class _Reach:
    """How far a bound lies from the estimate, by standard errors of a normal distribution; linear between points."""

    points: tuple[tuple[float, float], ...]
    """Standard errors and distance, both ascending, from (0, 0) on; the last distance is over 0."""

    @staticmethod
    def of(stated: Iterable[tuple[float, float]]) -> _Reach | None:
        """Return what stated bounds make; None where they are none, or all at the estimate itself."""
        points = [(0.0, 0.0)]
        for errors, distance in stated:
            points.append((errors, max(distance, points[-1][1])))
        return _Reach(tuple(points)) if points[-1][1] > 0 else None

    def at(self, errors: float) -> float:
        """Return the distance at so many standard errors."""
        for (low, near), (high, far) in itertools.pairwise(self.points):
            if errors <= high:
                return near + (far - near) * (errors - low) / (high - low)
        high, far = self.points[-1]
        return far * errors / high

    def errors_at(self, distance: float) -> float:
        """Return the fewest standard errors whose bound reaches a distance."""
        for (low, near), (high, far) in itertools.pairwise(self.points):
            if distance <= far:
                return low if far == near else low + (high - low) * (distance - near) / (far - near)
        high, far = self.points[-1]
        return high * distance / far
