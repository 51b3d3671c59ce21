"""Bounds of a percentile of absolute times, by order statistics.

The number of runs below the true percentile p is Binomial(n, p) whatever the distribution of times, as long
as the runs are independent. Source: W. R. Thompson, Annals of Mathematical Statistics 7 (1936), for any
percentile by S. S. Wilks, "Determination of sample sizes for setting tolerance limits", same journal, 12
(1941).
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr

from vetgate.statistics.bounds import Bounds
from vetgate.statistics.domain import check_confidence, check_fraction, round_up, sorted_finite


def percentile_bounds(samples: ArrayLike, p: float, confidence: float) -> Bounds:
    """Return bounds of a percentile.

    Args:
        samples: Times of single runs, shape (N,), in any unit.
        p: The percentile as a fraction in (0, 1): 0.95 for p95.
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).

    Returns:
        Bounds in the unit of the samples. The estimate is the smallest sample with at least N p samples at or
        below it (no interpolation). lower is -inf or upper inf where there are too few runs: see runs_needed.

    Raises:
        ValueError: p or the confidence is outside its domain, or the samples are none or not finite.
    """
    check_fraction("p", p)
    check_confidence(confidence)
    ordered = sorted_finite("samples", samples)
    n = ordered.size
    chances = bdtr(np.arange(n + 1, dtype=np.float64), n, p)
    below = int(np.searchsorted(chances, 1.0 - confidence, side="right"))
    above = int(np.searchsorted(chances, confidence, side="left")) + 1
    lower = float(ordered[below - 1]) if below else -math.inf
    upper = float(ordered[above - 1]) if above <= n else math.inf
    return Bounds(float(ordered[round_up(n * p) - 1]), lower, upper, "order statistics")


def runs_needed(p: float, confidence: float) -> int:
    """Return the fewest runs whose slowest is an upper bound of a percentile.

    Args:
        p: The percentile as a fraction in (0, 1): 0.99 for p99.
        confidence: Level g of the one-sided bound, in (0.5, 1).

    Returns:
        The least n with 1 - p^n >= g, n >= ln(1 - g) / ln(p): 44, 90 and 459 for p90, p95 and p99 at 99 %.

    Raises:
        ValueError: p or the confidence is outside its domain.
    """
    check_fraction("p", p)
    check_confidence(confidence)
    return round_up(math.log1p(-confidence) / math.log(p))
