"""`slice: each COLUMN`: a rule on every slice at once, without raising the chance of a false fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vetgate.domain.evidence import Measurement
from vetgate.domain.policy import Rule
from vetgate.domain.verdict import Decision
from vetgate.policy.compare import decide, is_beyond, limits, why_unbounded
from vetgate.policy.where import counts_images


@dataclass(frozen=True)
class SlicesCompared:
    """How the slices stand to a rule together."""

    decision: Decision
    worst: Measurement | None
    """The slice to show: the worst of those that decided. None where no slice was assessed."""
    deciding: tuple[str, ...]
    """Slices that fail, or that keep the rule from passing; empty where all pass."""
    assessed: int
    skipped: tuple[str, ...]
    """Slices with fewer images than the rule wants."""


def compare_slices(measurements: Sequence[Measurement], rule: Rule) -> SlicesCompared:
    """Return the decision over slices.

    It passes when every assessed class passes at the rule's level (no correction is needed: all must hold), and fails
    when any fails after Holm's correction over the assessed slices.

    Args:
        measurements: One for each slice; each names it.
        rule: The rule that each must keep.
    """
    ordered = sorted(measurements, key=_name)
    assessed = {_name(item): item for item in ordered if not is_too_small(item, rule)}
    skipped = tuple(_name(item) for item in ordered if _name(item) not in assessed)
    if not assessed:
        return SlicesCompared(Decision.INCONCLUSIVE, None, (), 0, skipped)
    decisions = {name: decide(item, rule)[0] for name, item in assessed.items()}
    failed = holm(
        list(assessed), lambda name, error: _fails(assessed[name], rule, error), 1.0 - (rule.confidence or 1.0)
    )
    if failed:
        decision, deciding = Decision.FAIL, failed
    elif all(decision is Decision.PASS for decision in decisions.values()):
        decision, deciding = Decision.PASS, ()
    else:
        decision = Decision.INCONCLUSIVE
        deciding = tuple(name for name, each in decisions.items() if each is not Decision.PASS)
    worst = min((assessed[name] for name in deciding or assessed), key=lambda item: _margin(item, rule))
    return SlicesCompared(decision, worst, deciding, len(assessed), skipped)


def holm(names: Sequence[str], rejects: Callable[[str, float], bool], error: float) -> tuple[str, ...]:
    """Return the names that are rejected with at most a chance `error` of rejecting any falsely.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979). Rejecting all below error / m at once and then looking at the rest is the same procedure.

    Args:
        names: The m hypotheses.
        rejects: Whether the test of one rejects at a level.
        error: The chance over all of them.
    """
    rejected: set[str] = set()
    while len(rejected) < len(names):
        level = error / (len(names) - len(rejected))
        found = {name for name in names if name not in rejected and rejects(name, level)}
        if not found:
            break
        rejected |= found
    return tuple(name for name in names if name in rejected)


def _name(measurement: Measurement) -> str:
    """Return the value of a figure's slice."""
    return (measurement.slice.value if measurement.slice else None) or ""


def is_too_small(measurement: Measurement, rule: Rule) -> bool:
    """Return whether a figure is one of a slice with fewer images than the rule wants; timed calls are never few."""
    where = measurement.slice
    return where is not None and where.value is not None and counts_images(where) and measurement.n < rule.fewest


def _fails(measurement: Measurement, rule: Rule, error: float) -> bool:
    if rule.confidence is None:
        return decide(measurement, rule)[0] is Decision.FAIL
    if why_unbounded(measurement, rule):
        return False
    return any(is_beyond(measurement, limit, rule.confidence, error, good=False) for limit in limits(rule))


def _margin(measurement: Measurement, rule: Rule) -> tuple[float, str]:
    return min(limit.distance(measurement.value) for limit in limits(rule)), _name(measurement)
