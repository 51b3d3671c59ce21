"""Decide a rule while images come in: capital grown by bets that no rule-abiding population could win.

A gambler bets on every image that the mean of its terms lies beyond the threshold t. Each factor below has mean at
most 1 wherever it does not, so the capital reaches 1 / a with chance at most a, however often and whenever one looks
(J. Ville, "Etude critique de la notion de collectif", 1939). With terms from low on and y = (term - low) / (t - low):

    K+ = sum_j w_j prod_i (1 + f_j (y_i - 1))        grows where the mean is above t, for bets f_j in [0, 1]

and K- is K+ of the mirrored terms. Source: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random
variables by betting", Journal of the Royal Statistical Society B 86 (2024), where 1 + l (d - t) is the same factor.

The bets and their weights are fixed beforehand instead of learnt from the images before. So the capital depends on
how often each term came up alone, whatever the order: a saved report holds counts, and anyone can recompute the
capital at any threshold and level from them. The mixture's price is bounded: it holds at least w_j times what the best
of its bets would have won.

The bets reach from the full stake, best where no image disagrees, to a thousandth. Weights: a fifth on the full
stake, the rest by a Cauchy in log f about 0.3, best where 2 % disagree and 1 point is allowed, heavy enough in the
tail for 20 %. Each factor falls in t, so the capital does, and bounds invert it without gaps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vetgate.statistics.bounds import Bounds
from vetgate.statistics.count import least_count
from vetgate.statistics.domain import check_confidence, check_difference, round_up

BETS: NDArray[np.float64] = 1.25 ** -np.arange(0.0, 32.0)
"""Shares of the largest stake that cannot ruin, 1 to 0.001."""

_BELL = 1.0 / (1.0 + (np.log(BETS / 0.3) / 0.7) ** 2)
_WEIGHTS = 0.8 * _BELL / _BELL.sum() + np.where(BETS == 1.0, 0.2, 0.0)
_LOG_WEIGHTS: NDArray[np.float64] = np.log(_WEIGHTS)

# The full stake loses all: as good as ln 0, but no image times it is 0.
_LOG_LOST: NDArray[np.float64] = np.log1p(-np.minimum(BETS, 1.0 - 1e-16)) + np.where(BETS == 1.0, -1e30, 0.0)

NEAREST = 1e-12
"""Thresholds nearer to the low end of the terms are taken for this far from it: the stake's limit is 1 / distance."""

MOST = 1e9
"""images_expected gives up here: nobody has more images."""

CELLS = 2_000_000
"""Capitals times bets computed at once, about 100 MB."""


@dataclass(frozen=True)
class Capitals:
    """The most that either gambler held so far.

    Attributes:
        up: Capital bet on a figure above the threshold, at least 1 (what it began with); 1 / a decides at level 1 - a.
        down: Capital bet on a figure below it. Infinite where it exceeds the largest float.
    """

    up: float
    down: float


def capitals_of(log_up: ArrayLike, log_down: ArrayLike) -> Capitals:
    """Return the largest capitals among log capitals, shape (L,), and the 1 that each began with."""
    up, down = (float(np.max(np.asarray(logs), initial=0.0)) for logs in (log_up, log_down))
    with np.errstate(over="ignore"):
        return Capitals(float(np.exp(up)), float(np.exp(down)))


def log_capitals(
    up: ArrayLike, n: ArrayLike, threshold: ArrayLike, down: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ln K+ and ln K- after n images.

    Args:
        up: c, images with the term 1 (only the candidate is right); k, those that count, for a proportion.
        n: Images so far, 0 or more.
        threshold: t, a difference in [-1, 1]; a proportion in [0, 1] where down is None.
        down: b, images with the term -1 (only the reference is right); None for a proportion, whose other terms are 0.

    Returns:
        ln K+ (grows where the mean is above t) and ln K- (below t) in the shape that the arguments broadcast to. Both
        are at most 0 where t is the end that the mean cannot pass.

    Raises:
        ValueError: A count is negative, there are more counts than images, or the threshold is outside its domain.
    """
    losses = np.zeros(()) if down is None else np.asarray(down, dtype=np.float64)
    gains, images, at = (np.asarray(values, dtype=np.float64) for values in (up, n, threshold))
    _check(gains, losses, images, at, 0.0 if down is None else -1.0)
    between = np.maximum(images - gains - losses, 0.0)
    if down is None:
        nothing = np.zeros(())
        return _log_capital(gains, nothing, between, at), _log_capital(between, nothing, gains, 1.0 - at)
    share = (1.0 + at) / 2.0
    return _log_capital(gains, between, losses, share), _log_capital(losses, between, gains, (1.0 - at) / 2.0)


def betting_capitals(up: ArrayLike, n: ArrayLike, threshold: float, down: ArrayLike | None = None) -> Capitals:
    """Return the running maxima of both capitals over all looks.

    Args:
        up: Counts at each look, shape (L,), as in log_capitals.
        n: Images so far at each look, shape (L,).
        threshold: t, in [-1, 1], or in [0, 1] for a proportion.
        down: Counts at each look, shape (L,), or None for a proportion.

    Returns:
        Capitals; `up >= 1 / a` says that the figure is above t, `down >= 1 / a` that it is below, each wrong with
        chance at most a over all looks together.

    Raises:
        ValueError: A count or the threshold is outside its domain.
    """
    return capitals_of(*log_capitals(up, n, threshold, down))


def betting_bounds(up: ArrayLike, n: ArrayLike, confidence: float, down: ArrayLike | None = None) -> Bounds:
    """Return bounds that hold at all looks together, by inverting betting_capitals.

    Args:
        up: Counts at each look, shape (L,), as in log_capitals; the last look is the latest.
        n: Images so far at each look, shape (L,), at least 1 at the last.
        confidence: Level 1 - a of each one-sided bound, in (0.5, 1).
        down: Counts at each look, shape (L,), or None for a proportion.

    Returns:
        Bounds in [-1, 1], or [0, 1] for a proportion: lower is the largest threshold at which K+ ever reached 1 / a,
        upper the smallest at which K- did; the ends where none did. The estimate is that of the last look. Where
        looks contradict each other it can lie outside the bounds and lower above upper, in at most 2 a of runs.

    Raises:
        ValueError: A count or the confidence is outside its domain, or there is no look.
    """
    check_confidence(confidence)
    gains, images = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (up, n))
    losses = None if down is None else np.atleast_1d(np.asarray(down, dtype=np.float64))
    if images.size == 0 or images[-1] < 1.0:
        raise ValueError(f"n is {images.tolist()}, but at least one look with at least 1 image is needed")
    low = 0.0 if losses is None else -1.0
    taken = np.zeros_like(gains) if losses is None else losses
    _check(gains, taken, images, np.asarray(low), low)
    between = images - gains - taken
    # A proportion's terms are at the ends of its range, those of a difference also half-way.
    half, short = (np.zeros_like(gains), between) if losses is None else (between, taken)
    lower = low + (1.0 - low) * _largest_rejected(gains, half, short, confidence)
    upper = 1.0 - (1.0 - low) * _largest_rejected(short, half, gains, confidence)
    return Bounds(float((gains[-1] - taken[-1]) / images[-1]), lower, upper, "betting")


def images_expected(discordance: float, margin: float, confidence: float, difference: float = 0.0) -> int:
    """Return the images after which `at_least -margin` is decided while they come in, on average.

    Args:
        discordance: Share of images that exactly one of the models has right, in [0, 1].
        margin: Loss of accuracy that the rule allows, in (-1, 1): 0.01 for 1 point, negative for a gain it demands.
        confidence: Level 1 - a of the rule, in (0.5, 1).
        difference: True difference D, at most the discordance either way and not -margin; the rule ends in a pass
            above -margin, in a fail below.

    Returns:
        The least n at which counts as expected decide, not counting what is lost by looking seldom: an approximation,
        within 20 % of simulated means. 1e9 where it takes more, or no number would do.

    Raises:
        ValueError: An argument is outside its domain, or the difference is the one at which nothing ever decides.
    """
    check_confidence(confidence)
    check_difference(difference)
    if not -1.0 < margin < 1.0:
        raise ValueError(f"margin is {margin}, but it must lie between -1 and 1, both excluded")
    if not abs(difference) <= discordance <= 1.0:
        raise ValueError(f"discordance is {discordance}, but it must lie between |D| = {abs(difference)} and 1")
    if difference == -margin:
        raise ValueError(f"difference is {difference}, the rule's own threshold: no number of images decides that")
    gain, loss = (discordance + difference) / 2.0, (discordance - difference) / 2.0
    side = 0 if difference > -margin else 1
    enough = -math.log1p(-confidence)

    def short(images: float) -> bool:
        logs = log_capitals(images * gain, images, -margin, images * loss)
        return bool(logs[side] < enough)

    return round_up(min(least_count(short, MOST), MOST))


def _check(
    gains: NDArray[np.float64],
    losses: NDArray[np.float64],
    images: NDArray[np.float64],
    at: NDArray[np.float64],
    low: float,
) -> None:
    inside = (low <= at) & (at <= 1.0)
    if not np.all(inside):
        raise ValueError(f"threshold is {at[~inside].flat[0]}, but it must lie between {low:g} and 1")
    up, down, n = np.broadcast_arrays(gains, losses, images)
    # Expected counts, shares of n, may add up to a hair over n.
    possible = (up >= 0.0) & (down >= 0.0) & (up + down <= n * (1.0 + 1e-12))
    if not np.all(possible):
        worst = ", ".join(f"{name} = {values[~possible].flat[0]:g}" for name, values in (("up", up), ("down", down)))
        raise ValueError(f"n is {n[~possible].flat[0]:g} with {worst}, but counts are 0 or more and n at most together")


def _log_capital(
    high: NDArray[np.float64], half: NDArray[np.float64], low: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ln K+ for terms at the high end, half-way and at the low end of a range; share places the threshold."""
    shape = np.broadcast_shapes(high.shape, half.shape, low.shape, share.shape)
    counts = [np.broadcast_to(part, shape).reshape(-1, 1) for part in (high, half, low)]
    shares = np.maximum(share if share.size == 1 else np.broadcast_to(share, shape), NEAREST).reshape(-1, 1)
    logs = []
    for at in range(0, len(counts[0]), CELLS // BETS.size):
        ends = slice(at, at + CELLS // BETS.size)
        ups, halves, lows = (part[ends] for part in counts)
        logs.append(_mixture(ups, halves, lows, shares if shares.size == 1 else shares[ends]))
    return np.concatenate([*logs, np.zeros(0)]).reshape(shape)


def _mixture(
    high: NDArray[np.float64], half: NDArray[np.float64], low: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    logs = high * np.log1p(BETS * (1.0 / share - 1.0)) + low * _LOG_LOST
    if np.any(half):
        logs += half * np.log1p(BETS * (0.5 / share - 1.0))
    return np.asarray(np.logaddexp.reduce(_LOG_WEIGHTS + logs, axis=1), dtype=np.float64)


def _largest_rejected(
    high: NDArray[np.float64], half: NDArray[np.float64], low: NDArray[np.float64], confidence: float
) -> float:
    """Return the largest threshold, as a share of the range, at which a look had K+ >= 1 / a; 0 if none."""
    enough = -math.log1p(-confidence)
    rejected, kept = 0.0, 1.0
    while kept - rejected > 1e-13:
        middle = (rejected + kept) / 2.0
        reached = np.max(_log_capital(high, half, low, np.asarray(middle))) >= enough
        rejected, kept = (middle, kept) if reached else (rejected, middle)
    return rejected
