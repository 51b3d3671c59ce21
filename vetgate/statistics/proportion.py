"""Bounds of a single proportion, such as an accuracy: exact at every count.

Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
binomial", Biometrika 26 (1934). Wilson's score bounds are narrower and err more than they say: one-sided at 95 % up to
6.4 % (100 images, proportion 0.23, 30 successes and failures at least).
"""

from scipy.special import betaincinv

from vetgate.statistics.bounds import Bounds
from vetgate.statistics.domain import check_confidence, check_proportion_counts


def proportion_bounds(successes: int, n: int, confidence: float) -> Bounds:
    """Return the bounds that a rule on a proportion uses, those of Clopper and Pearson.

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
