"""What a rule on two models' right and wrong answers uses: exact where Tango's score errs, else the score.

Found by enumerating every outcome (margins 0.2, 1 and 5 points, discordance of 1 to 20 margins, N from 60 to
20,000): used from 30 discordant images on, the score bound at 95 % errs up to 6.4 % (N = 3,000, every
discordant image a loss), from 60 on up to 5.6 %. What spoils it is a lopsided pair: fewer than 20 on one
side. With both kept exact the worst is 5.14 % at 95 %, 1.04 % at 99 % and 10.12 % at 90 %. Not covered:
models that disagree on nearly every image, where the score errs up to 6.0 % (N = 60 to 2,000).
"""

from dataclasses import dataclass

from scipy.special import bdtr, ndtr

from vetgate.statistics.bounds import Bounds
from vetgate.statistics.domain import check_discordant_counts, check_paired_counts
from vetgate.statistics.exact import exact_bounds, exact_unconditional_p
from vetgate.statistics.tango import tango_bounds, tango_z

FEW_DISCORDANT = 60
"""Exact below this many discordant images."""

FEW_ON_ONE_SIDE = 20
"""Exact also where b or c is below this, as long as there are fewer than MANY_DISCORDANT."""

MANY_DISCORDANT = 600
"""The score from here on: at worst 0.26 points off there, and exact bounds would take over 0.25 s."""

FEW_IMAGES = 100
"""Exact below this many images: where nearly all of them are discordant the score's bounds at 99 % lie so much further
out than the exact ones that a loss more could improve a verdict."""


@dataclass(frozen=True)
class PairedP:
    """One-sided p-values of a paired difference at a threshold.

    Attributes:
        greater: Evidence that D exceeds the threshold, in [0, 1]; small speaks for it.
        less: Evidence that D falls short of the threshold, in [0, 1]; small speaks for it.
        method: "exact paired" or "Tango score".
    """

    greater: float
    less: float
    method: str


def paired_bounds(b: int, c: int, n: int, confidence: float) -> Bounds:
    """Return the bounds that a rule on a paired difference uses.

    Exact where b + c < 60, where b or c is below 20 and b + c < 600, and where n < 100; else Tango's score bounds.

    Args:
        b: Images that only the reference has right.
        c: Images that only the candidate has right.
        n: Images in all; b + c is at most n.
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).

    Returns:
        Bounds of D, accuracy of the candidate minus that of the reference, in [-1, 1]; 0 is no difference,
        1 is a candidate right wherever the reference is wrong and the reference always wrong.

    Raises:
        ValueError: A count or the confidence is outside its domain.
    """
    check_paired_counts(b, c, n)
    return exact_bounds(b, c, n, confidence) if _exactly(b, c, n) else tango_bounds(b, c, n, confidence)


def paired_decision_p(b: int, c: int, n: int, threshold: float, confidence: float = 0.95) -> PairedP:
    """Return the one-sided p-values of the test that paired_bounds inverts, at the threshold itself.

    With a = 1 - confidence: greater <= a exactly where the threshold is at or below the lower bound, less <=
    a exactly where it is at or above the upper one (up to the bounds' own 1e-6 of a standard error).

    Args:
        b: Images that only the reference has right.
        c: Images that only the candidate has right.
        n: Images in all; b + c is at most n.
        threshold: t, a difference in [-1, 1].
        confidence: Level 1 - a of the rule, in (0.5, 1); it orders the outcomes of the exact test. To compare
            p-values between slices give the same level to all.

    Returns:
        Both p-values and the method.

    Raises:
        ValueError: A count, the threshold or the confidence is outside its domain.
    """
    check_paired_counts(b, c, n)
    if _exactly(b, c, n):
        greater = exact_unconditional_p(b, c, n, threshold, "greater", confidence)
        less = exact_unconditional_p(b, c, n, threshold, "less", confidence)
        return PairedP(greater, less, "exact paired")
    z = tango_z(b, c, n, threshold)
    return PairedP(float(ndtr(-z)), float(ndtr(z)), "Tango score")


def mcnemar_exact_p(b: int, c: int) -> float:
    """Return the two-sided exact p-value of McNemar's test, that a discordant image is a fair coin.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947), with the binomial in place of its chi-square.

    Args:
        b: Images that only the reference has right.
        c: Images that only the candidate has right.

    Returns:
        p in [0, 1]; small says that the models differ, 1 where b = c or no image is discordant.

    Raises:
        ValueError: b or c is negative.
    """
    check_discordant_counts(b, c)
    return min(1.0, 2.0 * float(bdtr(min(b, c), b + c, 0.5))) if b + c else 1.0


def _exactly(b: int, c: int, n: int) -> bool:
    few = b + c < FEW_DISCORDANT or (min(b, c) < FEW_ON_ONE_SIDE and b + c < MANY_DISCORDANT)
    return few or n < FEW_IMAGES
