"""Bounds of the median ratio of two latencies, from pairs whose order was drawn at random.

If the true ratio is r, log(ratio) - ln r is above or below 0 like a fair coin whatever the machine's drift,
because a coin drew the order. So the bounds come from the signs alone. Source: W. R. Thompson, "On confidence
ranges for the median and other expectation distributions for populations of unknown distribution form",
Annals of Mathematical Statistics 7 (1936). For a number of pairs fixed beforehand; whoever looks while pairs
come in needs another bound.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr

from vetgate.statistics.bounds import Bounds
from vetgate.statistics.domain import check_confidence, sorted_finite


def median_ratio_bounds(log_ratios: ArrayLike, confidence: float) -> Bounds:
    """Return bounds of the median ratio by order statistics.

    Args:
        log_ratios: ln(candidate's latency / reference's latency) of each pair, shape (N,).
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).

    Returns:
        Bounds of the ratio, in [0, inf]; 1 is equally fast, below 1 a faster candidate. The estimate is
        exp(median). With fewer than log2(1 / a) pairs (5 at 95 %, 7 at 99 %) nothing can be excluded: lower
        is 0 and upper is infinite. Ties are safe: a pair at the bound counts against excluding it.

    Raises:
        ValueError: The confidence is outside its domain, or the pairs are none or not finite.
    """
    check_confidence(confidence)
    ordered = sorted_finite("log_ratios", log_ratios)
    n = ordered.size
    rank = sign_test_rank(n, confidence)
    lower = math.exp(ordered[rank - 1]) if rank else 0.0
    upper = math.exp(ordered[n - rank]) if rank else math.inf
    return Bounds(math.exp(float(np.median(ordered))), lower, upper, "order statistics")


def sign_test_rank(n: int, confidence: float) -> int:
    """Return the largest k with P(Binomial(n, 1/2) < k) <= 1 - confidence.

    The k-th smallest of n values is a lower bound of their median, the k-th largest an upper one; 0 if none
    is.
    """
    chances = bdtr(np.arange(n + 1, dtype=np.float64), n, 0.5)
    return int(np.searchsorted(chances, 1.0 - confidence, side="right"))
