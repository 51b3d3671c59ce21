"""Bounds that compare a percentile of two models, on the pairs whose number was settled beforehand.

Two methods, of which the wider bound holds on each side. One resamples the pairs, both blocks together: it knows that
calls of one block resemble each other and that both models see the same drift, but is blind beyond the slowest call
seen. The other combines the order-statistic bounds of each model (MOVER: Zou and Donner, Statistics in Medicine 27,
2008), which takes calls as independent, but says how little the slowest calls tell. Ratios are taken as differences of
logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Quantiles
from vetgate.statistics import Bounds, mover_sum, percentile_bounds

REPLICATES = 2000
_AT_ONCE = 250
"""Replicates held in memory together."""


@dataclass(frozen=True)
class Tails:
    """Calls of both models, in pairs of blocks."""

    candidate: NDArray[np.float64]
    """(pairs, calls), seconds."""
    reference: NDArray[np.float64]
    """(pairs, calls), seconds."""
    drawn: tuple[NDArray[np.float64], NDArray[np.float64]]
    """(replicates, percentiles) of each model, resampled by pair."""
    percentiles: Sequence[float]

    def difference(self, p: float, confidences: Sequence[float]) -> Quantiles:
        """Return the candidate's percentile minus the reference's, in seconds, with bounds at each confidence."""
        return self._compare(p, confidences, logarithmic=False)

    def ratio(self, p: float, confidences: Sequence[float]) -> Quantiles:
        """Return the candidate's percentile over the reference's, with bounds at each confidence."""
        compared = self._compare(p, confidences, logarithmic=True)
        return compared.model_copy(update={"values": tuple(math.exp(value) for value in compared.values)})

    def _compare(self, p: float, confidences: Sequence[float], *, logarithmic: bool) -> Quantiles:
        place = list(self.percentiles).index(p)
        sides = [np.log(side) if logarithmic else side for side in (self.candidate, self.reference)]
        drawn = [np.log(side[:, place]) if logarithmic else side[:, place] for side in self.drawn]
        apart = np.sort(drawn[0] - drawn[1])
        lower, upper, estimate = [], [], 0.0
        for confidence in sorted(confidences, reverse=True):
            parts = [percentile_bounds(side.reshape(-1), p, confidence) for side in sides]
            mover = mover_sum((parts[0], _negative(parts[1])))
            low, high = np.quantile(apart, (1.0 - confidence, confidence))
            lower.append(min(float(low), mover.lower))
            upper.append(max(float(high), mover.upper))
            estimate = mover.estimate
        return quantiles(lower, estimate, upper, confidences, "bootstrap over pairs or MOVER")


def resample(
    candidate: NDArray[np.float64], reference: NDArray[np.float64], percentiles: Sequence[float], seed: int
) -> Tails:
    """Draw pairs of blocks with replacement, both models together, and take each percentile of the calls drawn.

    Args:
        candidate: (pairs, calls), seconds.
        reference: (pairs, calls), seconds.
        percentiles: Fractions in (0, 1).
        seed: Of the draws.
    """
    pairs = len(candidate)
    random = np.random.default_rng(seed)
    counts = random.multinomial(pairs, np.full(pairs, 1.0 / pairs), size=REPLICATES).astype(np.int32)
    drawn = tuple(_percentiles(side, counts, percentiles) for side in (candidate, reference))
    return Tails(candidate, reference, (drawn[0], drawn[1]), percentiles)


def _percentiles(
    seconds: NDArray[np.float64], counts: NDArray[np.int32], percentiles: Sequence[float]
) -> NDArray[np.float64]:
    """Return (replicates, percentiles): the smallest call with at least that share of those drawn at or below it."""
    order = np.argsort(seconds, axis=None, kind="stable")
    ascending, owner = seconds.reshape(-1)[order], order // seconds.shape[1]
    wanted = np.asarray([math.ceil(seconds.size * p - 1e-9) for p in percentiles])
    found = np.empty((len(counts), len(wanted)))
    for start in range(0, len(counts), _AT_ONCE):
        below = np.cumsum(counts[start : start + _AT_ONCE, owner], axis=1)
        for column, rank in enumerate(wanted.tolist()):
            found[start : start + _AT_ONCE, column] = ascending[np.argmax(below >= rank, axis=1)]
    return found


def quantiles(
    lower: Sequence[float], estimate: float, upper: Sequence[float], confidences: Sequence[float], method: str
) -> Quantiles:
    """Return one-sided bounds as quantiles: at 0.05 the lower one at 95 %, at 0.5 the estimate.

    Args:
        lower: Bounds at each confidence, the sharpest level first.
        estimate: Between them.
        upper: The same order as `lower`.
        confidences: In any order.
        method: How they were found.
    """
    rising = sorted(confidences)
    levels = (*(round(1.0 - confidence, 12) for confidence in reversed(rising)), 0.5, *rising)
    return Quantiles(levels=levels, values=(*lower, estimate, *reversed(upper)), method=method)


def _negative(bounds: Bounds) -> Bounds:
    return Bounds(-bounds.estimate, -bounds.upper, -bounds.lower, bounds.method)
