"""How many images or timing pairs would probably settle an inconclusive rule."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from vetgate.domain.evidence import Counts, Measurement, PairedCounts, Pairs

if TYPE_CHECKING:
    from vetgate.statistics import Bounds

POWER = 0.8
"""Chance that the number named settles the rule, if the estimate is the truth."""
NEAREST = 1e-6
"""Nearer to its threshold than this an estimate needs more images than anyone has."""


def needed(measurement: Measurement, threshold: float, confidence: float, bounds: Bounds) -> int | None:
    """Return the images or pairs that would settle the rule with 80 % chance, if the estimate is the truth.

    Args:
        measurement: The figure as measured.
        threshold: The limit that is not settled, in the figure's unit.
        confidence: Level 1 - a of the rule.
        bounds: Of the figure at that level.

    Returns:
        More than were measured; None where no number can be given, as for an estimate at the threshold itself.
    """
    if abs(measurement.value - threshold) < NEAREST:
        return None
    try:
        count = _count(measurement, threshold, confidence, bounds)
    except ValueError:
        # The planning functions refuse an estimate at the threshold, and thresholds that no figure can pass.
        return None
    return None if count is None else max(count, measurement.n + 1)


def _count(measurement: Measurement, threshold: float, confidence: float, bounds: Bounds) -> int | None:
    from vetgate.statistics import images_needed, images_needed_identical, images_needed_proportion, pairs_needed

    match measurement.uncertainty:
        case Counts(k=k, n=n):
            return images_needed_proportion(k / n, threshold, confidence, POWER)
        case PairedCounts(b=b, c=c, n=n):
            margin = abs((c - b) / n - threshold)
            if b + c == 0:
                return images_needed_identical(margin, confidence)
            return images_needed((b + c) / n, margin, confidence, POWER)
        case Pairs(log_ratios=log_ratios):
            limit = math.log(threshold)
            return pairs_needed(sum(x > limit for x in log_ratios) / len(log_ratios), confidence, POWER)
        case _:
            return _by_width(measurement, threshold, confidence, bounds)


def _by_width(measurement: Measurement, threshold: float, confidence: float, bounds: Bounds) -> int | None:
    """Return the number by a bound that narrows with the root of the number, as a mean's does."""
    distance = measurement.value - threshold
    width = measurement.value - bounds.lower if distance > 0 else bounds.upper - measurement.value
    if distance == 0 or not 0 < width < math.inf:
        return None
    level = NormalDist().inv_cdf(confidence)
    reach = width * (level + NormalDist().inv_cdf(POWER)) / level
    return math.ceil(measurement.n * (reach / distance) ** 2)
