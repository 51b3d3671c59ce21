"""From the uncertainty of accuracy and time to that of a score: bounds of log10 terms, added up by MOVER.

Each term is a function of a confidence: the size is exact and adds nothing. A term that has no bound at some level
leaves the score without one there, and a term without an interval leaves it without any.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from vetgate.api import Counts, Exact, Looks, Measurement, PairedCounts, Pairs, Quantiles, Unstated
from vetgate.statistics import Bounds, betting_bounds, mover_sum, proportion_bounds, sign_bounds
from vetgate_opscore.error_ratio import log_error_ratio_bounds
from vetgate_opscore.score import INFERENCE_IMAGES, floored_error

CONFIDENCES = (0.9, 0.95, 0.975, 0.99)
"""Levels at which a score has bounds whether or not a rule asks for them."""
_SAME_LEVEL = 1e-9

Term = Callable[[float], Bounds | None]
"""Bounds of a log10 term at a confidence; None where there are none."""


@dataclass(frozen=True)
class Right:
    """How often both models are right on the same images."""

    candidate: Measurement
    reference: Measurement
    delta: Measurement


def error_term(accuracy: Measurement) -> Term | None:
    """Return the bounds of log10(1 - Acc) of one model; None where its accuracy comes without counts."""
    match accuracy.uncertainty:
        case Counts(k=k, n=n):
            return lambda confidence: _log_error(proportion_bounds(n - k, n, confidence), n)
        case Looks(down=None, up=up, n=ns):
            wrong = [total - count for count, total in zip(up, ns, strict=True)]
            return lambda confidence: _log_error(betting_bounds(wrong, ns, confidence), ns[-1])
    return None


def error_ratio_term(right: Right) -> Term | None:
    """Return the bounds of log10 of the ratio of error rates; None where the counts are missing or do not fit."""
    single = (right.candidate.uncertainty, right.reference.uncertainty)
    match right.delta.uncertainty, *single:
        case PairedCounts(b=b, c=c, n=n), Counts(k=k, n=mine), Counts(k=base, n=theirs):
            both_wrong = n - k - b
            if n == mine == theirs and base - k == b - c and 0 <= both_wrong <= n - b - c:
                return lambda confidence: log_error_ratio_bounds(b, c, both_wrong, n, confidence)
        case Looks(), Looks(), Looks():
            return _apart(error_term(right.candidate), error_term(right.reference))
    return None


def time_term(throughput: Measurement) -> Term | None:
    """Return the bounds of log10 of the seconds for 10,000 images; None where the throughput has none."""
    rate = throughput.value
    match throughput.uncertainty:
        case Exact():
            return lambda confidence: _log_seconds(Bounds(rate, rate, rate, "exact"))
        case Quantiles() as quantiles:
            return lambda confidence: _log_seconds(_stated(quantiles, rate, confidence))
    return None


def time_ratio_term(ratio: Measurement) -> Term | None:
    """Return the bounds of log10 of the candidate's time over the reference's, from the ratio of throughputs."""
    rate = ratio.value
    match ratio.uncertainty:
        case Exact():
            return lambda confidence: _log_inverse(Bounds(rate, rate, rate, "exact"))
        case Pairs(log_ratios=log_ratios):
            return lambda confidence: _log_inverse(sign_bounds(log_ratios, confidence))
        case Quantiles() as quantiles:
            return lambda confidence: _log_inverse(_stated(quantiles, rate, confidence))
    return None


def scaled(term: Term | None, weight: float) -> Term | None:
    """Return a term times a weight in [0, 1]; a weight of 0 makes it exact, whatever its bounds."""
    if weight == 0.0:
        return lambda confidence: Bounds(0.0, 0.0, 0.0, "exact")
    if term is None:
        return None

    def at(confidence: float) -> Bounds | None:
        found = term(confidence)
        if found is None:
            return None
        return Bounds(weight * found.estimate, weight * found.lower, weight * found.upper, found.method)

    return at


def quantiles_of(value: float, terms: Sequence[Term | None], asked: Iterable[float]) -> Quantiles | Unstated:
    """Return one-sided bounds of a score at every level at which all of its terms have bounds.

    Args:
        value: The score.
        terms: Its uncertain terms, of independent data.
        asked: Confidences besides CONFIDENCES.
    """
    if any(term is None for term in terms):
        return Unstated()
    found: dict[float, float] = {}
    for confidence in sorted({*CONFIDENCES, *asked}):
        bounds = [term(confidence) for term in terms if term is not None]
        whole = [part for part in bounds if part is not None]
        if len(whole) == len(bounds):
            total = mover_sum(whole)
            found[1.0 - confidence] = value - (total.estimate - total.lower)
            found[confidence] = value + (total.upper - total.estimate)
    if not found:
        return Unstated()
    found[0.5] = value
    levels = sorted(found)
    return Quantiles(levels=tuple(levels), values=tuple(found[level] for level in levels), method="MOVER")


def _log_error(error: Bounds, images: int) -> Bounds:
    """Return log10 of bounds of an error rate; no error counts as half of one, in a bound as in the score."""
    least = 0.5 / images
    estimate = math.log10(floored_error(1.0 - error.estimate, images))
    return _around(estimate, math.log10(error.lower or least), math.log10(max(error.upper, least)), error.method)


def _log_seconds(rate: Bounds | None) -> Bounds | None:
    """Return log10 of the seconds for 10,000 images, from bounds of the images per second."""
    inverse = _log_inverse(rate)
    if inverse is None:
        return None
    shift = math.log10(INFERENCE_IMAGES)
    return Bounds(shift + inverse.estimate, shift + inverse.lower, shift + inverse.upper, inverse.method)


def _log_inverse(rate: Bounds | None) -> Bounds | None:
    """Return -log10 of positive bounds; None where one of them is 0 or infinite, which excludes nothing."""
    if rate is None or not (rate.lower > 0.0 and rate.estimate > 0.0 and math.isfinite(rate.upper)):
        return None
    return _around(-math.log10(rate.estimate), -math.log10(rate.upper), -math.log10(rate.lower), rate.method)


def _around(estimate: float, lower: float, upper: float, method: str) -> Bounds:
    """Return bounds that hold the estimate: after drift, or looks that went too far, it can lie beyond them."""
    return Bounds(estimate, min(lower, estimate), max(upper, estimate), method)


def _stated(quantiles: Quantiles, value: float, confidence: float) -> Bounds | None:
    """Return the bounds at the mildest stated levels that are at least as strict as the confidence."""
    known = list(zip(quantiles.levels, quantiles.values, strict=True))
    below = [bound for level, bound in known if level <= 1.0 - confidence + _SAME_LEVEL]
    above = [bound for level, bound in known if level >= confidence - _SAME_LEVEL]
    return Bounds(value, below[-1], above[0], "order statistics") if below and above else None


def _apart(candidate: Term | None, reference: Term | None) -> Term | None:
    """Return the bounds of a difference of two terms, each bounded at half the chance of error (Bonferroni).

    It holds however the two models' errors go together and whenever the run stopped, as each term's bounds do. MOVER
    would be narrower and needs independent terms.
    """
    if candidate is None or reference is None:
        return None

    def at(confidence: float) -> Bounds | None:
        half = (1.0 + confidence) / 2.0
        ours, theirs = candidate(half), reference(half)
        if ours is None or theirs is None:
            return None
        estimate = ours.estimate - theirs.estimate
        return Bounds(estimate, ours.lower - theirs.upper, ours.upper - theirs.lower, "Bonferroni")

    return at
