"""Compares one figure with one rule's limits, at the rule's confidence.

Looks and pairs were taken until something was decided, so they are judged by betting, however many there are.
`at_least t` fails if the upper bound is under t, passes if the lower bound is over t, and is otherwise inconclusive
(`at_most`: mirrored). Both happen only where looks or pairs contradict earlier ones while other rules keep a run going;
then it fails. Exact figures compare inclusively, and so do rules without a confidence, on the estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from vetgate.domain.evidence import Counts, Exact, Looks, Measurement, PairedCounts, Pairs, Quantiles, Unstated
from vetgate.domain.policy import Rule
from vetgate.domain.verdict import Decision
from vetgate.policy.needed import needed
from vetgate.policy.words import level_words

if TYPE_CHECKING:
    from vetgate.statistics import Bounds, Capitals

SAME_LEVEL = 1e-9
"""Levels and thresholds this near are one: 1 - 0.95 is not quite 0.05 in floating point."""
MIDDLE = 0.5
"""Levels below are lower bounds, levels above upper ones."""
RESAMPLED = 0.999
"""Highest confidence at which resampling states bounds: ten of its 10,000 replicates must lie beyond."""
RESAMPLING = ("BCa bootstrap", "percentile bootstrap", "images not seen", "MOVER of two runs")
"""Methods whose bounds rest on replicates, so that running again does not reach any level."""
ROUNDING = 1e-12
"""What subtraction may cost a figure: 0.9 - 0.91 is a little under -0.01."""


@dataclass(frozen=True)
class Limit:
    """One side of a rule."""

    side: Literal["at_least", "at_most"]
    value: float

    def holds(self, value: float) -> bool:
        """Return whether a figure without uncertainty keeps the limit, inclusively."""
        near = math.isclose(value, self.value, rel_tol=ROUNDING, abs_tol=ROUNDING)
        return near or self.distance(value) > 0

    def distance(self, value: float) -> float:
        """Return how far a figure is on the good side of the limit; negative on the bad one."""
        return value - self.value if self.side == "at_least" else self.value - value


@dataclass(frozen=True)
class Comparison:
    """How one figure stands to a rule."""

    decision: Decision
    """Pass, fail or inconclusive."""
    limit: Limit
    """The limit that decided: a broken one, else one that is not settled, else the first."""
    method: str = ""
    lower: float | None = None
    """One-sided bound in the rule's unit; may be infinite. None for point rules."""
    upper: float | None = None
    reason: str = ""
    """Why no bound exists; empty where one does."""
    needed: int | None = None
    """Images or pairs that would probably settle it."""


def limits(rule: Rule) -> tuple[Limit, ...]:
    """Return the limits of a rule, the lower one first; there is at least one."""
    lower = (Limit("at_least", rule.at_least),) if rule.at_least is not None else ()
    upper = (Limit("at_most", rule.at_most),) if rule.at_most is not None else ()
    return lower + upper


def compare(measurement: Measurement, rule: Rule) -> Comparison:
    """Return how a figure stands to a rule, with bounds where the rule asks for a confidence.

    Args:
        measurement: In the rule's unit, of the rule's metric and role.
        rule: Its confidence is the level of each one-sided bound.
    """
    decision, limit = decide(measurement, rule)
    exact = isinstance(measurement.uncertainty, Exact)
    if rule.confidence is None and not exact:
        return Comparison(decision, limit, "point")
    reason = why_unbounded(measurement, rule)
    if reason:
        return Comparison(Decision.INCONCLUSIVE, limit, reason=reason)
    bounds = bounds_of(measurement, rule.confidence or 0.0)
    more = None
    if decision is Decision.INCONCLUSIVE and rule.confidence is not None:
        more = needed(measurement, limit.value, rule.confidence, bounds)
    return Comparison(decision, limit, bounds.method, bounds.lower, bounds.upper, needed=more)


def decide(measurement: Measurement, rule: Rule) -> tuple[Decision, Limit]:
    """Return the decision on both limits (each must hold, either can fail) and the limit that made it."""
    sides = limits(rule)
    decisions = [_decide_side(measurement, limit, rule) for limit in sides]
    return max(zip(decisions, sides, strict=True), key=lambda pair: pair[0].rank)


def _decide_side(measurement: Measurement, limit: Limit, rule: Rule) -> Decision:
    value = measurement.value
    if rule.confidence is None or isinstance(measurement.uncertainty, Exact):
        return Decision.PASS if limit.holds(value) else Decision.FAIL
    if why_unbounded(measurement, rule):
        return Decision.INCONCLUSIVE
    error = 1.0 - rule.confidence
    if is_beyond(measurement, limit, rule.confidence, error, good=False):
        return Decision.FAIL
    if is_beyond(measurement, limit, rule.confidence, error, good=True):
        return Decision.PASS
    return Decision.INCONCLUSIVE


def is_beyond(measurement: Measurement, limit: Limit, confidence: float, error: float, *, good: bool) -> bool:
    """Return whether a figure lies beyond a limit, with at most a chance `error` of being wrong.

    Args:
        measurement: Has an uncertainty that is stated at this error (see why_unbounded).
        limit: The limit.
        confidence: The rule's own level, which orders the outcomes of the exact paired test.
        error: Chance of error in (0, 0.5); 1 - confidence but for corrected slices.
        good: Whether to look on the good side of the limit (it holds) or on the bad one (it is broken).
    """
    above = good == (limit.side == "at_least")
    match measurement.uncertainty:
        case PairedCounts(b=b, c=c, n=n):
            from vetgate.statistics import paired_decision_p

            p = paired_decision_p(b, c, n, min(max(limit.value, -1.0), 1.0), confidence)
            return (p.greater if above else p.less) <= error
        case Looks(up=up, n=n, down=down):
            return _capital(up, n, down, limit.value, above=above) >= 1.0 / error
        case Pairs(log_ratios=log_ratios) if limit.value > 0:
            return _sign_capital(log_ratios, limit.value, above=above) >= 1.0 / error
        case Quantiles(levels=levels, values=values):
            return _quantile_beyond(levels, values, limit.value, error, above=above)
        case Exact() | Unstated():
            return isinstance(measurement.uncertainty, Exact) and limit.holds(measurement.value) is good
        case _:
            bounds = bounds_of(measurement, 1.0 - error)
            return bounds.lower > limit.value if above else bounds.upper < limit.value


def _capital(
    up: tuple[int, ...], n: tuple[int, ...], down: tuple[int, ...] | None, threshold: float, *, above: bool
) -> float:
    """Return the most that a gambler on one side of a threshold held at any look."""
    least = 0.0 if down is None else -1.0
    capitals = _capitals(up, n, down, min(max(threshold, least), 1.0))
    return capitals.up if above else capitals.down


@lru_cache(maxsize=4096)
def _capitals(up: tuple[int, ...], n: tuple[int, ...], down: tuple[int, ...] | None, threshold: float) -> Capitals:
    # Both sides, Holm's rounds over many slices and the sentence ask for the same.
    from vetgate.statistics import betting_capitals

    return betting_capitals(up, n, threshold, down)


def _sign_capital(log_ratios: tuple[float, ...], ratio: float, *, above: bool) -> float:
    """Return the most that a gambler on one side of a ratio held after any pair."""
    from vetgate.statistics import sign_capitals

    capitals = sign_capitals(log_ratios, ratio)
    return capitals.up if above else capitals.down


def _quantile_beyond(
    levels: tuple[float, ...], values: tuple[float, ...], threshold: float, error: float, *, above: bool
) -> bool:
    """Return whether a level that is present, and no laxer than the error, lies beyond the threshold."""
    pairs = list(zip(levels, values, strict=True))
    if above:
        return any(value > threshold for level, value in pairs if level <= error + SAME_LEVEL)
    return any(value < threshold for level, value in pairs if level >= 1.0 - error - SAME_LEVEL)


def why_unbounded(measurement: Measurement, rule: Rule) -> str:
    """Return why a figure has no bounds at the rule's confidence; empty where it has, or needs none."""
    if rule.confidence is None:
        return ""
    match measurement.uncertainty:
        case Unstated():
            return (
                f"its uncertainty was not measured, so nothing can be said at {level_words(rule.confidence)} confidence"
            )
        case Quantiles(levels=levels, method=method):
            from vetgate.statistics import stated_bounds

            if stated_bounds(measurement, rule.confidence) is not None:
                return ""
            cure = _cure(levels, method, rule.confidence)
            return f"it has no bounds at {level_words(rule.confidence)} confidence; {cure}"
    return ""


def _cure(levels: tuple[float, ...], method: str, confidence: float) -> str:
    """Return what gives a figure the bounds that its quantiles lack."""
    if method.startswith(RESAMPLING) and confidence > RESAMPLED + SAME_LEVEL:
        return f"resampling reaches {level_words(RESAMPLED)} at most, so lower the rule's `confidence`"
    if levels == (MIDDLE,):
        return "too few measurements for any; a larger --timing-budget takes more"
    return "run check again"


def contradiction(measurement: Measurement) -> str:
    """Return how a figure contradicts what it comes with, or that itself; empty where neither does."""
    match measurement.uncertainty:
        case Pairs(log_ratios=()):
            return "its check gives no pairs"
        case Quantiles(levels=levels, values=values):
            return _crossing(levels, values)
        case Counts(k=k, n=n):
            counted = k / n
        case PairedCounts(b=b, c=c, n=n):
            counted = (c - b) / n
        case Looks(up=up, n=n, down=down):
            counted = (up[-1] - (down[-1] if down is not None else 0)) / n[-1]
        case _:
            return ""
    same = math.isclose(counted, measurement.value, rel_tol=SAME_LEVEL, abs_tol=SAME_LEVEL)
    return "" if same else f"its check gives {measurement.value:.6g}, but its counts make {counted:.6g}"


def _crossing(levels: tuple[float, ...], values: tuple[float, ...]) -> str:
    """Return why quantiles bound nothing: a level without a value, or a lower bound over an upper one."""
    if len(levels) != len(values):
        return f"its check gives {len(values):,} values at {len(levels):,} levels"
    lower = max((value for level, value in zip(levels, values, strict=True) if level < MIDDLE), default=-math.inf)
    upper = min((value for level, value in zip(levels, values, strict=True) if level > MIDDLE), default=math.inf)
    if lower <= upper or math.isclose(lower, upper, rel_tol=SAME_LEVEL, abs_tol=SAME_LEVEL):
        return ""
    return f"its check gives a lower bound of {lower:.6g} over an upper one of {upper:.6g}"


def bounds_of(measurement: Measurement, confidence: float) -> Bounds:
    """Return one-sided bounds of a figure at a level; the confidence means nothing for exact ones.

    Raises:
        TypeError: The uncertainty has no bounds (see why_unbounded).
    """
    from vetgate.statistics import stated_bounds

    found = stated_bounds(measurement, confidence)
    if found is None:
        raise TypeError(f"{measurement.metric} has no bounds at {confidence}")
    return found
