"""Bounds of the ratio of two models' error rates on the same images.

J.-R. Nam and W. C. Blackwelder, "Analysis of the ratio of marginal probabilities in a matched-pair setting",
Statistics in Medicine 21 (2002): the score of a ratio r, with the population's probabilities fitted under that ratio.
Images that both models have right tell nothing about the ratio.

Its numerator is drawn towards 0 by half of 1 + r images. Where few are wrong a 95 % bound errs in up to 10.2 % without
that, in up to 6.7 % with a quarter and in up to 4.6 % with a half; bounds at 90, 97.5 and 99 % then err in up to 10.4,
2.0 and 1.2 %. The price: half of those populations err in less than 0.5 % where 5 % were allowed. Added up exactly over
729 populations of 500 images by `python benchmarks/calibration opscore --few-errors`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.special import ndtri

from vetgate.statistics import Bounds, proportion_bounds

CORRECTION = 0.5
"""Of an image."""
_STEPS = 60


def error_ratio_score(lost: int, won: int, both_wrong: int, ratio: float) -> float:
    """Return the score of the hypothesis that the candidate's error rate is `ratio` times the reference's.

    Args:
        lost: b, images that only the candidate has wrong.
        won: c, images that only the reference has wrong.
        both_wrong: Images that both have wrong; one of the three is above 0.
        ratio: r, above 0.

    Returns:
        z, about standard normal where the hypothesis is true, without the correction; positive speaks for a greater
        ratio.
    """
    return _score(lost, won, both_wrong, ratio, 0.0)


def _score(lost: int, won: int, both_wrong: int, ratio: float, correction: float) -> float:
    if ratio > 1.0:  # the mirrored question; below 1 no term cancels
        return -_score(won, lost, both_wrong, 1.0 / ratio, correction)
    wrong = lost + won + both_wrong
    excess = lost + both_wrong - ratio * (won + both_wrong)
    told = max(abs(excess) - correction * (1.0 + ratio), 0.0)
    if told == 0.0:
        return 0.0
    linear = lost + both_wrong - ratio * ratio * (won + both_wrong + 2 * lost)
    root = math.hypot(lost + both_wrong - ratio * ratio * (won + both_wrong), 2 * ratio * math.sqrt(lost * won))
    if linear > 0.0:
        fitted = 2.0 * ratio * lost * wrong * (1.0 - ratio) / (linear + root)
    else:
        fitted = (root - linear) / (2.0 * ratio * (ratio + 1.0))
    spread = ratio * (fitted + ratio * fitted + (1.0 - ratio) * wrong)
    return math.copysign(told / math.sqrt(spread), excess)


def log_error_ratio_bounds(
    lost: int, won: int, both_wrong: int, n: int, confidence: float, correction: float = CORRECTION
) -> Bounds:
    """Return bounds of log10(candidate's error rate / reference's error rate).

    A model without error is taken for one that made half of one, as its score is: that is the estimate, and the least
    that its error rate counts for in a bound.

    Args:
        lost: b, images that only the candidate has wrong.
        won: c, images that only the reference has wrong.
        both_wrong: Images that both have wrong.
        n: N, all images, at least 1.
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).
        correction: Of the score, in images; 0 is the published score.

    Returns:
        Finite bounds; 0 is equally many errors, -1 a tenth.

    Raises:
        ValueError: A count or the confidence is outside its domain.
    """
    errors, others = lost + both_wrong, won + both_wrong
    if min(lost, won, both_wrong) < 0 or lost + won + both_wrong > n:
        raise ValueError(f"{lost}, {won} and {both_wrong} wrong images do not fit in n = {n}")
    most = [proportion_bounds(count, n, confidence).upper for count in (errors, others)]
    estimate = math.log10(max(errors, 0.5) / max(others, 0.5))
    z = float(ndtri(confidence))

    def rejected(log_ratio: float) -> bool:
        return abs(_score(lost, won, both_wrong, 10.0**log_ratio, correction)) >= z

    if errors:
        lower = _nearest(rejected, estimate, -1.0)
    else:
        lower = math.log10(0.5 / n / most[1])
    if others:
        upper = _nearest(rejected, estimate, 1.0)
    else:
        upper = math.log10(most[0] / (0.5 / n))
    return Bounds(estimate, min(lower, estimate), max(upper, estimate), "paired ratio score")


def _nearest(rejected: Callable[[float], bool], estimate: float, away: float) -> float:
    """Return the log10 ratio nearest to the estimate that is rejected, in the direction `away`, -1 or 1."""
    near, far = estimate, estimate + away
    while not rejected(far):
        near, far = far, far + 2.0 * (far - estimate)
    for _ in range(_STEPS):
        middle = (near + far) / 2.0
        near, far = (near, middle) if rejected(middle) else (middle, far)
    return far
