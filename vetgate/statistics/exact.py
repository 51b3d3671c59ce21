"""Exact unconditional test and bounds of a paired difference of proportions, for few discordant images.

The p-value for D > D0 is the chance, at worst over every population with D <= D0, of an outcome that speaks
for D at least as strongly as the one observed. Three choices make it usable:

* Order. Outcomes are ordered by Tango's score at the observed outcome's own score bound, which is the same as
  ordering them by that bound. The order then does not depend on D0, so p rises with D0, bounds invert it
  without gaps, and a test at a threshold always agrees with the bound. (Ordered by the score at D0 instead, p
  jumps up and down as D0 moves.) Source: R. J. Buehler, "Confidence intervals for the product of two binomial
  parameters", Journal of the American Statistical Association 52 (1957). The level of that score bound is the
  rule's own: one order for all levels would nest the bounds, but widens those at 99 % by 11 % on average. The
  price: bounds at two neighbouring levels can cross, seen in 1 of 3,150 neighbours, by 3 % of the distance to
  the estimate.
* Nuisance. The discordance p_b + p_c is maximised over its exact 1 - 1e-6 interval only, and 1e-6 is added to
  p, which keeps the test exact and leaves out the populations that the data rule out anyway. Source: R. L.
  Berger and D. D. Boos, "P values maximized over a confidence set for the nuisance parameter", same journal,
  89 (1994).
* Worst case. If an outcome is in the tail, so is any with fewer b or more c (K. Sidik, "Exact unconditional
  tests for testing non-inferiority in matched-pairs design", Statistics in Medicine 22, 2003), so the worst
  population lies at D = D0 and one parameter remains to be searched.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, gammaln, ndtri, xlog1py, xlogy

from vetgate.statistics.bounds import Bounds
from vetgate.statistics.domain import check_confidence, check_difference, check_paired_counts
from vetgate.statistics.tango import tango_bounds, tango_scores

Side = Literal["greater", "less"]

NUISANCE_MISS = 1e-6
"""Chance that the interval of the discordance misses the true one; added to every p-value."""

GRID = 48
"""Points over the square root of the smaller discordant probability, a quarter of a standard deviation apart.

Two rounds of 9 points refine the best. Against 4,001 points p falls short by at most 9e-7 (300 cases, n 30 to
100,000), less than NUISANCE_MISS.
"""


def exact_unconditional_p(b: int, c: int, n: int, difference: float, side: Side, confidence: float = 0.95) -> float:
    """Return the exact one-sided p-value of a paired difference.

    Args:
        b: Images that only the reference has right.
        c: Images that only the candidate has right.
        n: Images in all; b + c is at most n.
        difference: D0, the difference under test, in [-1, 1].
        side: "greater" for evidence that D > D0, "less" for evidence that D < D0.
        confidence: Level 1 - a in (0.5, 1) whose score bound orders the outcomes. p is valid at every level
            whichever is given, sharpest at this one, and agrees with exact_bounds at this one.

    Returns:
        p in [1e-6, 1], rising with D0 for "greater" and falling for "less"; 1 where the estimate does not lie
        on that side of D0. Rejecting where p <= a errs with chance at most a. Costs grow with b + c, not with
        n.

    Raises:
        ValueError: A count, the difference, the side or the confidence is outside its domain.
    """
    check_paired_counts(b, c, n)
    check_difference(difference)
    check_confidence(confidence)
    if side == "greater":
        return _p_greater(b, c, n, difference, confidence)
    if side == "less":
        return _p_greater(c, b, n, -difference, confidence)
    raise ValueError(f"side is {side!r}, but it must be 'greater' or 'less'")


def exact_bounds(b: int, c: int, n: int, confidence: float) -> Bounds:
    """Return the bounds that invert exact_unconditional_p.

    Args:
        b: Images that only the reference has right.
        c: Images that only the candidate has right.
        n: Images in all; b + c is at most n.
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).

    Returns:
        Bounds in [-1, 1]. lower is the largest D0 with p("greater") <= a, upper the smallest with p("less")
        <= a, each found to 1e-6 of a standard error, on the cautious side; -1 and 1 where a is 1e-6 or less.

    Raises:
        ValueError: A count or the confidence is outside its domain.
    """
    check_paired_counts(b, c, n)
    check_confidence(confidence)
    lower, upper = _lower(b, c, n, confidence), -_lower(c, b, n, confidence)
    return Bounds((c - b) / n, lower, upper, "exact paired")


@dataclass(frozen=True, eq=False)
class _Tail:
    """The outcomes at least as favourable as the observed one: b losses with needed[b] gains or more.

    Attributes:
        n: Images in all.
        needed: Gains needed, shape (M,), for 0 to M - 1 losses; every outcome with M losses or more is
            counted in.
        low: Lower end of the discordance's interval, in [0, 1].
        high: Upper end, in [0, 1].
    """

    n: int
    needed: NDArray[np.float64]
    low: float
    high: float

    def chance(self, p_loss: NDArray[np.float64], p_gain: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the tail's chance, shape (K,), in populations with two probabilities, shape (K,) each."""
        losses = np.arange(self.needed.size, dtype=np.float64)
        rest = self.n - losses
        p_loss, p_gain = p_loss[:, None], p_gain[:, None]
        choose = gammaln(self.n + 1.0) - gammaln(losses + 1.0) - gammaln(rest + 1.0)
        mass = np.exp(choose + xlogy(losses, p_loss) + xlog1py(rest, -p_loss))
        with np.errstate(divide="ignore", invalid="ignore"):
            gain_given_no_loss = np.where(p_loss < 1.0, np.minimum(p_gain / (1.0 - p_loss), 1.0), 0.0)
        short = np.maximum(rest - self.needed + 1.0, 1.0)
        reached = betainc(np.maximum(self.needed, 1.0), short, gain_given_no_loss)
        reached = np.where(self.needed > rest, 0.0, np.where(self.needed <= 0.0, 1.0, reached))
        chance = np.sum(mass * reached, axis=1)
        if self.needed.size <= self.n:
            chance = chance + betainc(self.needed.size, self.n - self.needed.size + 1.0, p_loss[:, 0])
        return np.asarray(chance, dtype=np.float64)

    def worst(self, difference: float) -> float:
        """Return the tail's largest chance where the difference is this and the discordance credible."""
        if self.high < -difference:
            return 0.0
        low = math.sqrt(max(self.low - abs(difference), 0.0) / 2.0)
        high = math.sqrt(max(self.high - abs(difference), 0.0) / 2.0)
        worst = 0.0
        for points in (GRID, 9, 9):
            roots = np.linspace(low, high, points)
            smaller = roots * roots
            larger = np.minimum(smaller + abs(difference), 1.0 - smaller)
            chances = self.chance(larger, smaller) if difference < 0.0 else self.chance(smaller, larger)
            best = int(np.argmax(chances))
            worst = max(worst, float(chances[best]))
            low, high = roots[max(best - 1, 0)], roots[min(best + 1, points - 1)]
        return min(worst, 1.0)


@lru_cache(maxsize=512)
def _tail(b: int, c: int, n: int, confidence: float) -> _Tail:
    low, high = _discordance_interval(b + c, n)
    # Eight standard deviations above the largest credible mean; whatever lies beyond counts into the tail.
    last = min(n, max(b + c, math.ceil(n * high + 8.0 * math.sqrt(n * high * (1.0 - high)) + 8.0)))
    counts = np.arange(last + 1, dtype=np.float64)
    anchor = tango_bounds(b, c, n, confidence).lower
    observed = float(tango_scores(np.float64(b), np.float64(c), n, anchor))
    scores = tango_scores(counts[:, None], counts[None, :], n, anchor)
    # Equal scores computed along different routes differ in the last digits; a tie belongs to the tail.
    inside = (scores >= observed - 1e-9 * max(1.0, observed)) & (counts[:, None] + counts[None, :] <= n)
    needed = np.where(inside.any(axis=1), inside.argmax(axis=1), last + 1.0)
    needed = np.minimum.accumulate(needed[::-1])[::-1]
    return _Tail(n, np.ascontiguousarray(needed), low, high)


def _discordance_interval(discordant: int, n: int) -> tuple[float, float]:
    miss = NUISANCE_MISS / 2.0
    low = float(betaincinv(discordant, n - discordant + 1, miss)) if discordant else 0.0
    high = float(betaincinv(discordant + 1, n - discordant, 1.0 - miss)) if discordant < n else 1.0
    return low, high


@lru_cache(maxsize=65536)
def _p_greater(b: int, c: int, n: int, difference: float, confidence: float) -> float:
    if n * difference >= c - b:
        return 1.0
    return min(1.0, _tail(b, c, n, confidence).worst(difference) + NUISANCE_MISS)


@lru_cache(maxsize=4096)
def _lower(b: int, c: int, n: int, confidence: float) -> float:
    error = 1.0 - confidence
    if error <= NUISANCE_MISS:
        return -1.0
    tail = _tail(b, c, n, confidence)
    target = float(ndtri(error))

    def excess(difference: float) -> float:
        p = tail.worst(difference) + NUISANCE_MISS
        return float(ndtri(min(p, 1.0 - 1e-9))) - target

    return _crossing(excess, max(-1.0, -tail.high), (c - b) / n)


def _crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Return a point where a rising function is at most 0 and within 1e-6 of it (Illinois false position).

    Where it is above 0 at low already, low; where it is at most 0 at high still, high.
    """
    slack = 5e-7
    at_low, at_high = function(low) + slack, function(high) + slack
    if at_low > slack:
        return low
    if at_high <= slack:
        return high
    last_moved = 0
    while high - low > 1e-14:
        middle = low + (high - low) * at_low / (at_low - at_high)
        value = function(middle) + slack
        if abs(value) <= slack:
            return middle
        moved = -1 if value < 0.0 else 1
        if moved < 0:
            low, at_low = middle, value
            at_high *= 0.5 if last_moved == moved else 1.0
        else:
            high, at_high = middle, value
            at_low *= 0.5 if last_moved == moved else 1.0
        last_moved = moved
    return low
