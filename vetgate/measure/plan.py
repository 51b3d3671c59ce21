"""What will run, and everything that is missing for it, before any model runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vetgate.domain.check import Ask, Need, Question
from vetgate.domain.errors import MissingExtra
from vetgate.domain.evidence import LABEL, LOOKS_OF_IMAGES, Of, Versus
from vetgate.domain.policy import Policy, Rule
from vetgate.domain.specs import CheckSpec, MetricSpec

_ORDER = tuple(Need)


@dataclass(frozen=True)
class PlannedCheck:
    """One check and what is asked of it."""

    spec: CheckSpec[Any]
    ask: Ask
    missing: MissingExtra | None = None
    """Why it cannot run here."""


@dataclass(frozen=True)
class Plan:
    """The checks of a run, in the order of the walk."""

    checks: tuple[PlannedCheck, ...]
    lacks: tuple[str, ...]
    """Every package, label, column or data set that some rule needs and that is not there, one sentence each."""
    columns: tuple[str, ...] = ()
    """Columns of the images, other than the label, by which rules want figures sliced."""
    waiting: tuple[str, ...] = ()
    """Rules on the prediction table, which images decide."""
    holding: tuple[str, ...] = ()
    """Of a run that may stop early: rules that no look can settle, so that it takes all images unless another fails."""

    def by_need(self, need: Need) -> tuple[PlannedCheck, ...]:
        """Return the checks of one step of the walk."""
        return tuple(check for check in self.checks if check.spec.needs is need)

    def needs(self, *needs: Need) -> bool:
        """Return whether some check that can run works on one of these."""
        return any(check.spec.needs in needs and check.missing is None for check in self.checks)


@dataclass(frozen=True)
class Given:
    """What a run has to go by, besides its policy."""

    data: bool
    """Whether a data set was given."""
    labels: bool = False
    """Whether it has labels."""
    columns: tuple[str, ...] = ()
    """Its metadata columns."""
    seed: int = 0
    """Of every random choice in the checks."""
    seconds: float = 20.0
    """Time that timing one pair of models may take."""
    sequential: bool = False
    """Whether it may stop early."""
    baseline: bool = False
    """Whether a saved report was given to compare with."""
    same_data: bool = False
    """Whether that was measured on the same images."""
    yardstick: bool = False
    """Whether answers of independent models were given to measure distances with."""
    training: bool = False
    """Whether images to train on were given."""
    calibration: bool = False
    """Whether the images were named that candidates were calibrated on."""
    wanted: tuple[str, ...] = ()
    """Metrics to measure whether or not a rule names them."""


def make_plan(
    policy: Policy, specs: Sequence[CheckSpec[Any]], missing: Mapping[str, MissingExtra], given: Given
) -> Plan:
    """Return what the policy needs.

    Args:
        policy: Resolved.
        specs: Every check on offer.
        missing: Why a check cannot run here, by its name.
        given: What the run has.
    """
    owners = {metric.id: spec for spec in specs for metric in spec.metrics}
    by_name = {spec.name: spec for spec in specs}
    chosen = {spec.name for spec in specs if spec.always}
    named = (*(rule.metric for rule in policy.rules), *given.wanted)
    chosen |= {owners[metric].name for metric in named if metric in owners}
    chosen = _closure(chosen, by_name)
    planned = [
        PlannedCheck(spec, _ask(spec, policy, given, by_name), missing.get(spec.name))
        for spec in specs
        if spec.name in chosen
    ]
    planned.sort(key=lambda check: (_ORDER.index(check.spec.needs), check.spec.name))
    by_images = [rule for rule in policy.rules if rule.metric in owners and owners[rule.metric].needs is Need.TABLE]
    columns = {rule.slice.by for rule in by_images if rule.slice is not None} - {LABEL}
    return Plan(
        checks=tuple(planned),
        lacks=tuple(_lacks(policy, planned, owners, given)),
        columns=tuple(sorted(columns)),
        waiting=tuple(rule.name for rule in by_images),
        holding=_all_holding(policy, specs, missing, given) if given.sequential else (),
    )


def find_holding(policy: Policy, specs: Sequence[CheckSpec[Any]]) -> tuple[str, ...]:
    """Return the rules on images that the counts of a part of them cannot settle.

    Args:
        policy: Resolved.
        specs: Every check on offer.
    """
    by_name = {spec.name: spec for spec in specs}
    owners = {metric.id: (spec, metric) for spec in specs for metric in spec.metrics}
    return tuple(
        rule.name for rule in policy.rules if rule.metric in owners and _holds(rule, *owners[rule.metric], by_name)
    )


def _all_holding(
    policy: Policy, specs: Sequence[CheckSpec[Any]], missing: Mapping[str, MissingExtra], given: Given
) -> tuple[str, ...]:
    """Return the rules that keep a run going to the last image, in the policy's order: also those never measured."""
    holding = find_holding(policy, specs)
    owners = {metric.id: (spec, metric) for spec in specs for metric in spec.metrics if spec.needs is Need.TABLE}
    return tuple(
        rule.name
        for rule in policy.rules
        if rule.name in holding or (rule.metric in owners and _is_starved(rule, *owners[rule.metric], missing, given))
    )


def _is_starved(
    rule: Rule, owner: CheckSpec[Any], metric: MetricSpec, missing: Mapping[str, MissingExtra], given: Given
) -> bool:
    """Return whether a rule on the prediction table lacks the package, the labels or the column that it needs."""
    column = rule.slice.by if rule.slice is not None else LABEL
    unlabelled = not given.labels and (metric.needs_labels or (rule.slice is not None and column == LABEL))
    return owner.name in missing or unlabelled or column not in (LABEL, *LOOKS_OF_IMAGES, *given.columns)


def _holds(rule: Rule, owner: CheckSpec[Any], metric: MetricSpec, by_name: Mapping[str, CheckSpec[Any]]) -> bool:
    if owner.needs in (Need.STRUCTURE, Need.IMAGES, Need.SESSION):  # images are looked at as a whole in any run
        return False
    if owner.needs is Need.TRAINER:
        return True
    if owner.needs is Need.EVIDENCE:
        on_images = (Need.TABLE, Need.TRAINER)
        return any(by_name[name].needs in on_images for name in _closure(owner.after, by_name))
    late = rule.slice is not None and rule.slice.by in LOOKS_OF_IMAGES
    counted = rule.of in metric.counted and not metric.over_slices
    return rule.confidence is None or late or not counted or rule.versus is Versus.BASELINE


def _closure(names: Iterable[str], by_name: Mapping[str, CheckSpec[Any]]) -> set[str]:
    """Return the names and every check whose evidence they read, in turn."""
    reached: set[str] = set()
    pending = [name for name in names if name in by_name]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += [after for after in by_name[name].after if after in by_name]
    return reached


def _ask(spec: CheckSpec[Any], policy: Policy, given: Given, by_name: Mapping[str, CheckSpec[Any]]) -> Ask:
    own = {metric.id for metric in spec.metrics}
    rules = [rule for rule in policy.rules if rule.metric in own]
    readers = [other for other in by_name.values() if spec.name in _closure(other.after, by_name)]
    read = {metric.id for other in readers for metric in other.metrics}
    levels = {rule.confidence for rule in policy.rules if rule.metric in read and rule.confidence is not None}
    return Ask(
        questions=tuple(_question(rule) for rule in rules),
        weights=policy.weights,
        levels=tuple(sorted(levels)),
        seed=given.seed,
        seconds=given.seconds,
    )


def _question(rule: Rule) -> Question:
    if rule.versus is Versus.BASELINE:
        # What the limits bound is made of two runs' figures; the check is asked for this run's own.
        return Question(metric=rule.metric, of=Of.CANDIDATE, slice=rule.slice, confidence=rule.confidence)
    return Question(
        metric=rule.metric,
        of=rule.of,
        slice=rule.slice,
        at_least=rule.at_least,
        at_most=rule.at_most,
        confidence=rule.confidence,
    )


def _lacks(
    policy: Policy, planned: Sequence[PlannedCheck], owners: Mapping[str, CheckSpec[Any]], given: Given
) -> Iterable[str]:
    for check in planned:
        if check.missing is not None:
            yield f"{check.missing.message}: {check.missing.hint}"
    yield from _lacking_baseline(policy, owners, given)
    yield from _lacking_yardstick(policy, owners, given)
    yield from _lacking_other_images(policy, owners, given)
    if not given.data:
        on_images = (Need.TABLE, Need.IMAGES, Need.SESSION, Need.TRAINER)
        starved = [check.spec.name for check in planned if check.spec.needs in on_images]
        if starved:
            yield f"no data set was given, and {', '.join(starved)} need images: --data PATH"
        return
    labelled = {metric.id for spec in owners.values() for metric in spec.metrics if metric.needs_labels}
    by_label = [rule for rule in policy.rules if rule.slice is not None and rule.slice.by == LABEL]
    blind = [rule.name for rule in policy.rules if rule.metric in labelled or rule in by_label]
    if not given.labels and blind:
        yield f"the data has no labels, and these rules need them: {', '.join(blind)}"
    yield from _lacking_columns(policy, owners, given)
    trained = [check.spec.name for check in planned if check.spec.needs is Need.TRAINER and check.missing is None]
    if trained and not given.training:
        names = ", ".join(trained)
        yield f"no training data was given, so {names} can only train on a part of the vetting data: --train-data PATH"


def _lacking_baseline(policy: Policy, owners: Mapping[str, CheckSpec[Any]], given: Given) -> Iterable[str]:
    """Yield what is to be said of rules that compare with a saved report."""
    beside = [rule for rule in policy.rules if rule.versus is Versus.BASELINE]
    if beside and not given.baseline:
        names = ", ".join(rule.name for rule in beside)
        yield f"no baseline was given, and these rules need one: {names}: --baseline REPORT.json"
    on_answers = [
        rule.name
        for rule in beside
        if rule.metric in owners and owners[rule.metric].needs in (Need.TABLE, Need.IMAGES, Need.TRAINER, Need.EVIDENCE)
    ]
    if given.baseline and given.data and not given.same_data and on_answers:
        yield f"the baseline was measured on other images, and these rules need the same ones: {', '.join(on_answers)}"


def _lacking_yardstick(policy: Policy, owners: Mapping[str, CheckSpec[Any]], given: Given) -> Iterable[str]:
    """Yield what is to be said of rules on distances that mean something beside independent models alone."""
    needing = {metric.id for spec in owners.values() for metric in spec.metrics if metric.needs_yardstick}
    names = [rule.name for rule in policy.rules if rule.metric in needing]
    if names and not given.yardstick:
        need = "this rule needs" if len(names) == 1 else "these rules need"
        yield f"no yardstick was given, and {need} one: {', '.join(names)}: --yardstick FILE"


def _lacking_other_images(policy: Policy, owners: Mapping[str, CheckSpec[Any]], given: Given) -> Iterable[str]:
    """Yield what is to be said of rules on images that stand in two sets, where only one set is named."""
    needing = {metric.id for spec in owners.values() for metric in spec.metrics if metric.needs_other_images}
    names = [rule.name for rule in policy.rules if rule.metric in needing]
    if names and not (given.calibration or given.training):
        need = "this rule needs" if len(names) == 1 else "these rules need"
        yield f"no calibration data was named, and {need} it: {', '.join(names)}: --calibration-data PATH"


def _lacking_columns(policy: Policy, owners: Mapping[str, CheckSpec[Any]], given: Given) -> Iterable[str]:
    """Yield what is to be said of rules by columns that the images do not have."""
    there = {LABEL, *given.columns, *LOOKS_OF_IMAGES}
    lacking: dict[str, list[str]] = {}
    for rule in policy.rules:
        owner = owners.get(rule.metric)
        if rule.slice is not None and owner is not None and owner.needs is Need.TABLE and rule.slice.by not in there:
            lacking.setdefault(rule.slice.by, []).append(rule.name)
    known = [*((LABEL,) if given.labels else ()), *sorted(given.columns), *LOOKS_OF_IMAGES]
    for column, rules in lacking.items():
        yield f"the data has no column {column!r}, and {', '.join(rules)} need it; there are {', '.join(known)}"
