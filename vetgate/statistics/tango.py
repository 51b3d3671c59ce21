"""Tango's score test and bounds of a paired difference of proportions.

Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17 (1998), 891-908.

Throughout, b counts images that the reference has right and the candidate wrong, c the reverse, n all images,
and the difference D is accuracy of the candidate minus accuracy of the reference, in [-1, 1].
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from vetgate.statistics.bounds import Bounds
from vetgate.statistics.domain import check_confidence, check_difference, check_paired_counts


def tango_z(b: int, c: int, n: int, difference: float) -> float:
    """Return Tango's score for the hypothesis that the true difference is the given one.

    Args:
        b: Images that only the reference has right.
        c: Images that only the candidate has right.
        n: Images in all; b + c is at most n.
        difference: D0, the difference under test, in [-1, 1].

    Returns:
        z, about standard normal where D = D0. Positive speaks for D > D0, negative for D < D0; 0 where the
        estimate is D0 itself; infinite where D0 is -1 or 1 and the data show otherwise.

    Raises:
        ValueError: A count or the difference is outside its domain.
    """
    check_paired_counts(b, c, n)
    check_difference(difference)
    return float(tango_scores(np.float64(b), np.float64(c), n, difference))


def tango_scores(
    b: NDArray[np.float64] | np.float64, c: NDArray[np.float64] | np.float64, n: int, difference: float
) -> NDArray[np.float64]:
    """Return Tango's score for every pair of counts; b and c broadcast, nothing is checked.

    Args:
        b: Counts that speak against the candidate.
        c: Counts that speak for it.
        n: Images in all.
        difference: D0, in [-1, 1].

    Returns:
        z in the broadcast shape; meaningless where b + c > n.
    """
    if difference < 0.0:
        return -tango_scores(c, b, n, -difference)
    # With D0 >= 0 the constant term is never positive, so one of the two forms of the root never cancels.
    spare = difference * (1.0 - difference)
    linear = (2.0 * n - c + b) * difference - (b + c)
    root = np.sqrt(linear * linear + 8.0 * n * b * spare)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.where(linear > 0.0, 2.0 * b * spare / (linear + root), (root - linear) / (4.0 * n))
        excess = c - b - n * difference
        scores = excess / np.sqrt(n * (2.0 * q + spare))
    # No variance is left at D0 = 1, and at D0 = 0 without a discordant image; 0 / 0 there means agreement.
    return np.asarray(np.where(excess == 0.0, 0.0, scores), dtype=np.float64)


def tango_bounds(b: int, c: int, n: int, confidence: float) -> Bounds:
    """Return the differences at which Tango's score just rejects.

    Args:
        b: Images that only the reference has right.
        c: Images that only the candidate has right.
        n: Images in all; b + c is at most n.
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).

    Returns:
        Bounds in [-1, 1]. They err more often than a below some 30 discordant images: see paired_bounds.

    Raises:
        ValueError: A count or the confidence is outside its domain.
    """
    check_paired_counts(b, c, n)
    check_confidence(confidence)
    z = float(ndtri(confidence))
    lower, upper = _lower(b, c, n, z), -_lower(c, b, n, z)
    return Bounds((c - b) / n, lower, upper, "Tango score")


def _lower(b: int, c: int, n: int, z: float) -> float:
    low, high = -1.0, (c - b) / n
    losses, gains = np.float64(b), np.float64(c)
    while high - low > 1e-13:
        middle = (low + high) / 2.0
        if tango_scores(losses, gains, n, middle) >= z:
            low = middle
        else:
            high = middle
    return low
