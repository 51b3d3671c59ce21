"""Judges one rule: finds its figures, compares them, and says in one sentence what came of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vetgate.domain.evidence import (
    Counts,
    Evidence,
    Exact,
    Measurement,
    Of,
    Outcome,
    PairedCounts,
    Pairs,
    Slice,
)
from vetgate.domain.policy import Rule
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import format_about
from vetgate.domain.verdict import Decision, Ruling
from vetgate.policy.compare import Comparison, compare, contradiction, limits
from vetgate.policy.slices import SlicesCompared, compare_slices
from vetgate.policy.words import BY_PAIRS, asked_words, figure_words, level_words, slice_words, value_words

_METHODS = {
    "exact": "",
    "point": "point estimate",
    "exact paired": "exact unconditional paired test",
    "Wilson": "Wilson score",
    BY_PAIRS: "order statistics of the median",
}
"""Methods that a table names more shortly than a sentence."""


@dataclass(frozen=True)
class Gathered:
    """The evidence, ready to be asked."""

    measured: Mapping[tuple[str, Of], tuple[Measurement, ...]]
    """Of checks whose outcome is `measured`, by metric and role; equal ones once."""
    failures: Mapping[str, str]
    """By check: `latency errored: the child crashed`."""
    checks: frozenset[str]
    metrics: Mapping[str, MetricSpec]
    owners: Mapping[str, str]
    """Check by metric, where it is known."""

    @staticmethod
    def of(evidence: Iterable[Evidence], metrics: Mapping[str, MetricSpec], owners: Mapping[str, str]) -> Gathered:
        """Return the evidence by metric and role."""
        measured: dict[tuple[str, Of], dict[Measurement, None]] = {}
        failures: dict[str, str] = {}
        items = sorted(evidence, key=lambda item: (item.check, item.reason))
        for item in items:
            if item.outcome is not Outcome.MEASURED:
                reason = item.reason.rstrip(".") or "no reason was given"
                failures[item.check] = f"check {item.check} {item.outcome.value}: {reason}"
                continue
            for figure in item.measurements:
                measured.setdefault((figure.metric, figure.role), {})[figure] = None
        figures = {key: tuple(found) for key, found in measured.items()}
        return Gathered(figures, failures, frozenset(item.check for item in items), metrics, owners)

    def over_slices(self, metric: str) -> bool:
        """Return whether a metric is one figure over all slices of a column."""
        return metric in self.metrics and self.metrics[metric].over_slices

    def why_missing(self, rule: Rule) -> str:
        """Return why there is no figure for a rule."""
        owner = self.owners.get(rule.metric)
        if rule.metric not in self.metrics:
            return f"no installed check declares {rule.metric}"
        if owner is not None and owner in self.failures:
            return self.failures[owner]
        if owner in self.checks:
            return f"check {owner} ran, but did not give it"
        told = f" ({'; '.join(self.failures.values())})" if self.failures and owner is None else ""
        return f"no check measured it{told}"


def judge_rule(rule: Rule, gathered: Gathered) -> Ruling:
    """Return the ruling on one rule, capped at warn where the rule says so; waivers come after.

    Args:
        rule: The rule.
        gathered: The evidence.
    """
    found = gathered.measured.get((rule.metric, rule.of), ())
    each = rule.slice is not None and rule.slice.value is None and not gathered.over_slices(rule.metric)
    if each:
        found = tuple(figure for figure in found if _is_value_of(figure.slice, rule.slice))
    else:
        found = tuple(figure for figure in found if figure.slice == rule.slice)
    wrong = _unusable(found, rule)
    if not found:
        figure = figure_words(rule.metric, rule.of, rule.slice)
        because = f"{figure} is not known: {gathered.why_missing(rule)}"
        ruling = _ruling(rule, Decision(rule.if_missing), because)
    elif wrong:
        ruling = _ruling(rule, Decision.INCONCLUSIVE, f"{figure_words(rule.metric, rule.of, rule.slice)}: {wrong}")
    elif each:
        ruling = _sliced(found, rule)
    else:
        compared = compare(found[0], rule)
        ruling = _ruling(rule, compared.decision, _sentence(found[0], compared, rule), found[0], compared)
    return _capped(ruling, rule)


def _is_value_of(where: Slice | None, column: Slice | None) -> bool:
    return where is not None and column is not None and where.value is not None and where.by == column.by


def _unusable(found: Sequence[Measurement], rule: Rule) -> str:
    """Return why figures cannot be trusted: two for one slice, another unit, or counts that contradict them."""
    slices = [slice_words(figure.slice) for figure in found]
    twice = sorted({name for name in slices if slices.count(name) > 1}) if len(set(slices)) < len(slices) else []
    if twice:
        return f"measured twice, with different results{twice[0]}"
    for figure in sorted(found, key=lambda item: slice_words(item.slice)):
        where = slice_words(figure.slice)
        if figure.unit is not rule.unit:
            return f"measured in {figure.unit.value}{where}, but the rule is in {rule.unit.value}"
        wrong = contradiction(figure)
        if wrong:
            return f"{wrong}{where}"
    return ""


def _ruling(
    rule: Rule,
    decision: Decision,
    because: str,
    figure: Measurement | None = None,
    compared: Comparison | None = None,
) -> Ruling:
    limit = compared.limit if compared is not None else limits(rule)[0]
    facts: dict[str, Any] = {"threshold": limit.value, "side": limit.side, "confidence": rule.confidence}
    if figure is not None:
        facts |= {"observed": figure.value, "n": figure.n, "slice": figure.slice}
    if compared is not None:
        facts |= {"method": compared.method, "needed": compared.needed}
        facts |= {"lower": _finite(compared.lower), "upper": _finite(compared.upper)}
    facts |= {"rule": rule.name, "words": rule.words, "decision": decision, "because": because}
    return Ruling(metric=rule.metric, of=rule.of, unit=rule.unit, **facts)


def _finite(bound: float | None) -> float | None:
    return bound if bound is not None and math.isfinite(bound) else None


def _capped(ruling: Ruling, rule: Rule) -> Ruling:
    if rule.otherwise == "fail" or ruling.decision.rank <= Decision.WARN.rank:
        return ruling
    kind = "not met" if ruling.decision is Decision.FAIL else "not settled"
    because = f"{ruling.because}; {kind}, but this rule only warns"
    return ruling.model_copy(update={"decision": Decision.WARN, "because": because})


def _sentence(figure: Measurement, compared: Comparison, rule: Rule) -> str:
    """Return the figure, what was asked, what it rests on, and what would settle it."""
    name = figure_words(figure.metric, figure.role, figure.slice)
    value = value_words(figure.value, compared.limit.value, rule.unit, rule.of)
    were = "was" if rule.at_least is None or rule.at_most is None else "were"
    asked = f"{asked_words(rule)} {were} asked"
    if compared.reason:
        told = f"{name} is {value}, but {compared.reason}; {asked}"
    else:
        detail = ", ".join(part for part in (_bounds(compared, rule), _method(compared), _detail(figure)) if part)
        told = f"{name} is {value}; {asked}{f' ({detail})' if detail else ''}"
    return f"{told}{_settle(figure, compared)}{f'; {figure.note}' if figure.note else ''}"


def _bounds(compared: Comparison, rule: Rule) -> str:
    if compared.lower is None or compared.upper is None or compared.method == "exact" or rule.confidence is None:
        return ""
    ends = [
        value_words(bound, compared.limit.value, rule.unit, rule.of) if math.isfinite(bound) else "unbounded"
        for bound in (compared.lower, compared.upper)
    ]
    number, _, unit = ends[0].partition(" ")
    if unit and ends[1].endswith(f" {unit}"):
        ends[0] = number
    return f"{level_words(rule.confidence)} bounds {ends[0]} to {ends[1]}"


def _method(compared: Comparison) -> str:
    return _METHODS.get(compared.method, compared.method)


def _detail(figure: Measurement) -> str:
    match figure.uncertainty:
        case Exact():
            return ""
        case Counts(k=k, n=n):
            return f"{k:,} of {n:,}"
        case PairedCounts(b=b, c=c, n=n):
            return f"{b:,} flips down, {c:,} up, n = {n:,}"
        case Pairs(log_ratios=log_ratios):
            pairs = f"{len(log_ratios):,} pairs"
            return "" if figure.note.startswith(pairs.replace(",", "")) else pairs
    return f"n = {figure.n:,}"


def _settle(figure: Measurement, compared: Comparison) -> str:
    if compared.needed is None:
        return ""
    what = "pairs" if isinstance(figure.uncertainty, Pairs) else "images of the class" if figure.slice else "images"
    return f"; about {format_about(compared.needed)} {what} would probably settle it"


def _sliced(found: Sequence[Measurement], rule: Rule) -> Ruling:
    together = compare_slices(found, rule)
    skipped = f"; not assessed for want of images: {_listing(together.skipped)}" if together.skipped else ""
    if together.worst is None:
        figure = figure_words(rule.metric, rule.of, rule.slice)
        return _ruling(rule, Decision.INCONCLUSIVE, f"{figure} could be assessed for no class{skipped}")
    compared = compare(together.worst, rule)
    because = f"{_slices_words(together)}{_sentence(together.worst, compared, rule)}{skipped}"
    return _ruling(rule, together.decision, because, together.worst, compared)


def _slices_words(together: SlicesCompared) -> str:
    """Return how many classes decided and which, up to the worst one's own sentence."""
    count, all_of = len(together.deciding), f"{together.assessed:,} classes"
    if together.decision is Decision.PASS:
        return f"all {all_of} hold; at worst, "
    failed = together.decision is Decision.FAIL
    if count == 1:
        verb = "fails after Holm's correction" if failed else "is undecided"
        return f"1 of {all_of} {verb}: "
    verb = "fail after Holm's correction" if failed else "are undecided"
    return f"{count:,} of {all_of} {verb}: {_listing(together.deciding)}; at worst, "


def _listing(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
