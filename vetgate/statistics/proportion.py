"""Bounds of a single proportion, such as an accuracy.

Sources: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
American Statistical Association 22 (1927). C. J. Clopper and E. S. Pearson, "The use of confidence or
fiducial limits illustrated in the case of the binomial", Biometrika 26 (1934).
"""

import math

from scipy.special import betaincinv, ndtri

from vetgate.statistics.bounds import Bounds
from vetgate.statistics.domain import check_confidence, check_proportion_counts

FEW = 30
"""Fewest successes and failures for the score interval. Above it a 95 % bound of Wilson's still errs up to
6.4 % (n = 100, proportion 0.23), a 99 % bound up to 1.6 %; Clopper-Pearson's never errs more than asked."""


def wilson_bounds(successes: int, n: int, confidence: float) -> Bounds:
    """Return Wilson's score bounds of a proportion.

    Args:
        successes: Images that count, 0 to n.
        n: Images in all, at least 1.
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).

    Returns:
        Bounds in [0, 1]; 0 is never, 1 is always.

    Raises:
        ValueError: A count or the confidence is outside its domain.
    """
    check_proportion_counts(successes, n)
    check_confidence(confidence)
    lower = _wilson_lower(successes, n, confidence)
    upper = 1.0 - _wilson_lower(n - successes, n, confidence)
    return Bounds(successes / n, lower, upper, "Wilson")


def clopper_pearson_bounds(successes: int, n: int, confidence: float) -> Bounds:
    """Return the exact bounds of a proportion by Clopper and Pearson.

    Args:
        successes: Images that count, 0 to n.
        n: Images in all, at least 1.
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).

    Returns:
        Bounds in [0, 1]; 0 is never, 1 is always. Never errs more often than a, and usually less.

    Raises:
        ValueError: A count or the confidence is outside its domain.
    """
    check_proportion_counts(successes, n)
    check_confidence(confidence)
    failures = n - successes
    lower = float(betaincinv(successes, failures + 1, 1.0 - confidence)) if successes else 0.0
    upper = float(betaincinv(successes + 1, failures, confidence)) if failures else 1.0
    return Bounds(successes / n, lower, upper, "Clopper-Pearson")


def proportion_bounds(successes: int, n: int, confidence: float) -> Bounds:
    """Return the bounds that a rule on a proportion uses.

    Clopper-Pearson where there are fewer than 30 successes or fewer than 30 failures, else Wilson.

    Args:
        successes: Images that count, 0 to n.
        n: Images in all, at least 1.
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).

    Returns:
        Bounds in [0, 1]; 0 is never, 1 is always.

    Raises:
        ValueError: A count or the confidence is outside its domain.
    """
    check_proportion_counts(successes, n)
    if min(successes, n - successes) < FEW:
        return clopper_pearson_bounds(successes, n, confidence)
    return wilson_bounds(successes, n, confidence)


def _wilson_lower(successes: int, n: int, confidence: float) -> float:
    z = float(ndtri(confidence))
    centre = successes + z * z / 2.0
    spread = z * math.sqrt(successes * (n - successes) / n + z * z / 4.0)
    # centre - spread cancels for few successes; the two roots multiply to successes^2 / (n (n + z^2)).
    return successes * successes / n / (centre + spread) if successes else 0.0
