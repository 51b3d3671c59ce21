"""Decide a rule on a latency ratio while timing pairs come in, by betting on signs.

x_i is the log ratio of pair i, candidate over reference. If the true ratio is r, the sign of x_i - ln r is a fair coin
whatever the machine's drift, because a coin drew which model of the pair ran first. A gambler who believes that the
share p of positive signs is above 1/2 multiplies its capital by 2 p or 2 (1 - p) at every pair; mixed over p by a
Beta(1/2, 1/2) restricted to (1/2, 1), the capital after w wins in n pairs is

    K = 2^(n+1) B(w + 1/2, n - w + 1/2) / B(1/2, 1/2) * P(p > 1/2),   p ~ Beta(w + 1/2, n - w + 1/2)

It reaches 1 / a with chance at most a if the coin is fair or worse, however often one looks (J. Ville, "Etude critique
de la notion de collectif", 1939). The mixture is that of R. E. Krichevsky and V. K. Trofimov, "The performance of
universal encoding", IEEE Transactions on Information Theory 27 (1981), restricted to one side as in H. Robbins and
D. Siegmund, "The expected sample size of some tests of power one", Annals of Statistics 2 (1974). A tie is a loss to
both gamblers, which keeps both honest.
"""

from __future__ import annotations

import bisect
import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaln

from vetgate.statistics.betting import Capitals, capitals_of
from vetgate.statistics.bounds import Bounds
from vetgate.statistics.domain import check_confidence, sorted_finite


def log_sign_capital(wins: ArrayLike, n: ArrayLike) -> NDArray[np.float64]:
    """Return ln K after a number of wins among fair coins; wins and n broadcast.

    Args:
        wins: Pairs won, 0 to n; ties are not among them.
        n: Pairs in all, 0 or more.

    Returns:
        ln K, rising with wins; 0 without a pair.

    Raises:
        ValueError: wins is negative or above n.
    """
    won, pairs = np.broadcast_arrays(np.asarray(wins, dtype=np.float64), np.asarray(n, dtype=np.float64))
    possible = (won >= 0.0) & (won <= pairs)
    if not np.all(possible):
        wrong = f"wins is {won[~possible].flat[0]:g} with n = {pairs[~possible].flat[0]:g}"
        raise ValueError(f"{wrong}, but it must lie between 0 and n")
    a, b = won + 0.5, pairs - won + 0.5
    above = betainc(b, a, 0.5)
    tail = above < _TOO_SMALL
    with np.errstate(divide="ignore"):
        log_capital = (pairs + 1.0) * math.log(2.0) + betaln(a, b) - math.log(math.pi) + np.log(above)
    log_capital = np.asarray(log_capital, dtype=np.float64)
    log_capital[tail] = _log_capital_of_few_wins(pairs[tail], b[tail])
    return log_capital


_TOO_SMALL = 1e-290
"""Chances P(p > 1/2) near the smallest float have few digits left, and what is below it none."""


def _log_capital_of_few_wins(n: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ln K where wins are so few that P(p > 1/2) vanishes: K = 2F1(n + 1, 1; b + 1; 1/2) / (pi b).

    NIST Digital Library of Mathematical Functions, 8.17.8. Each term is at most (n + 1) / (2 b + 2) of the one before.
    """
    term, total = np.ones_like(b), np.ones_like(b)
    step = 0
    while np.any(term > 1e-17 * total):
        term = term * (n + 1.0 + step) / (2.0 * (b + 1.0 + step))
        total = total + term
        step += 1
    return np.asarray(np.log(total) - np.log(math.pi * b), dtype=np.float64)


def sign_capitals(log_ratios: ArrayLike, ratio: float) -> Capitals:
    """Return the running maxima of both capitals over the pairs in the order taken.

    Args:
        log_ratios: ln(candidate's latency / reference's latency) of each pair in the order taken, shape (N,).
        ratio: r, the rule's threshold, above 0: 1 is equally fast, 1.1 a candidate 10 % slower.

    Returns:
        Capitals; `up >= 1 / a` says that the candidate's ratio is above r, `down >= 1 / a` that it is below, each wrong
        with chance at most a over all looks together.

    Raises:
        ValueError: The ratio is not a number above 0, or the pairs are none or not finite.
    """
    if not 0.0 < ratio < math.inf:
        raise ValueError(f"ratio is {ratio}, but it must be a number above 0")
    taken = _in_order(log_ratios)
    at, n = math.log(ratio), np.arange(1.0, taken.size + 1.0)
    return capitals_of(
        log_sign_capital(np.cumsum(taken > at), n),
        log_sign_capital(np.cumsum(taken < at), n),
    )


def sign_bounds(log_ratios: ArrayLike, confidence: float) -> Bounds:
    """Return the ends of the ratios that no pair so far has rejected.

    Args:
        log_ratios: ln(candidate's latency / reference's latency) of each pair in the order taken, shape (N,).
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).

    Returns:
        Bounds of the ratio, in [0, inf]: sign_capitals at a ratio r has `up >= 1 / a` exactly where r is below lower,
        `down >= 1 / a` exactly where r is above upper. 0 and inf where too few pairs exclude anything (before 6 pairs
        at 95 %, 8 at 99 %). The estimate is exp(median); where the ratio drifted it can lie outside the bounds.

    Raises:
        ValueError: The confidence is outside its domain, or the pairs are none or not finite.
    """
    check_confidence(confidence)
    taken = _in_order(log_ratios)
    lower = _largest_rejected(taken, confidence)
    upper = -_largest_rejected(-taken, confidence)
    with np.errstate(over="ignore"):
        estimate, low, high = (float(np.exp(log)) for log in (float(np.median(taken)), lower, upper))
    return Bounds(estimate, low, high, "betting on signs")


@lru_cache(maxsize=8)
def _wins_needed(pairs: int, confidence: float) -> NDArray[np.int64]:
    n = np.arange(1, pairs + 1)
    enough = -math.log1p(-confidence)
    low, high = np.zeros_like(n), n + 1
    while np.any(high - low > 1):
        middle = (low + high) // 2
        reached = log_sign_capital(middle, n) >= enough
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.asarray(high, dtype=np.int64)


def wins_needed(pairs: int, confidence: float) -> NDArray[np.int64]:
    """Return the fewest wins that decide after 1, 2, ... pairs, shape (pairs,); n + 1 where no number does.

    Args:
        pairs: Pairs in all, at least 1.
        confidence: Level 1 - a, in (0.5, 1).
    """
    # Rounded up to a power of two, so that a stopping loop that adds pairs does not start afresh at each.
    return _wins_needed(1 << (pairs - 1).bit_length(), confidence)[:pairs]


def _largest_rejected(taken: NDArray[np.float64], confidence: float) -> float:
    """Return the log ratio below which some look rejected all; -inf if none did.

    After n pairs a log ratio is rejected if at least k of them lie above it, that is below the k-th largest.
    """
    largest = -math.inf
    ordered: list[float] = []
    for value, needed in zip(taken.tolist(), wins_needed(taken.size, confidence).tolist(), strict=True):
        bisect.insort(ordered, value)
        if needed <= len(ordered):
            largest = max(largest, ordered[-needed])
    return largest


def _in_order(log_ratios: ArrayLike) -> NDArray[np.float64]:
    sorted_finite("log_ratios", log_ratios)
    return np.asarray(log_ratios, dtype=np.float64)
