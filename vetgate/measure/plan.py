"""What will run, and everything that is missing for it, before any model runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vetgate.domain.check import Ask, Need, Question
from vetgate.domain.errors import MissingExtra
from vetgate.domain.policy import Policy, Rule
from vetgate.domain.specs import CheckSpec

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
    """Every package, label or data set that some rule needs and that is not there, one sentence each."""

    def by_need(self, need: Need) -> tuple[PlannedCheck, ...]:
        """Return the checks of one step of the walk."""
        return tuple(check for check in self.checks if check.spec.needs is need)

    def needs(self, *needs: Need) -> bool:
        """Return whether some check that can run works on one of these."""
        return any(check.spec.needs in needs and check.missing is None for check in self.checks)


def make_plan(
    policy: Policy,
    specs: Sequence[CheckSpec[Any]],
    missing: Mapping[str, MissingExtra],
    *,
    has_data: bool,
    has_labels: bool,
    seed: int,
) -> Plan:
    """Return what the policy needs.

    Args:
        policy: Resolved.
        specs: Every check on offer.
        missing: Why a check cannot run here, by its name.
        has_data: Whether a data set was given.
        has_labels: Whether it has labels.
        seed: Of every random choice in the checks.
    """
    owners = {metric.id: spec for spec in specs for metric in spec.metrics}
    by_name = {spec.name: spec for spec in specs}
    chosen = {spec.name for spec in specs if spec.always}
    chosen |= {owners[rule.metric].name for rule in policy.rules if rule.metric in owners}
    chosen = _closure(chosen, by_name)
    planned = [
        PlannedCheck(spec, _ask(spec, policy, seed), missing.get(spec.name)) for spec in specs if spec.name in chosen
    ]
    planned.sort(key=lambda check: (_ORDER.index(check.spec.needs), check.spec.name))
    return Plan(tuple(planned), tuple(_lacks(policy, planned, owners, has_data=has_data, has_labels=has_labels)))


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


def _ask(spec: CheckSpec[Any], policy: Policy, seed: int) -> Ask:
    own = {metric.id for metric in spec.metrics}
    rules = [rule for rule in policy.rules if rule.metric in own]
    return Ask(questions=tuple(_question(rule) for rule in rules), weights=policy.weights, seed=seed)


def _question(rule: Rule) -> Question:
    return Question(
        metric=rule.metric,
        of=rule.of,
        slice=rule.slice,
        at_least=rule.at_least,
        at_most=rule.at_most,
        confidence=rule.confidence,
    )


def _lacks(
    policy: Policy,
    planned: Sequence[PlannedCheck],
    owners: Mapping[str, CheckSpec[Any]],
    *,
    has_data: bool,
    has_labels: bool,
) -> Iterable[str]:
    for check in planned:
        if check.missing is not None:
            yield f"{check.missing.message}: {check.missing.hint}"
    if not has_data:
        starved = [check.spec.name for check in planned if check.spec.needs in (Need.TABLE, Need.SESSION)]
        if starved:
            yield f"no data set was given, and {', '.join(starved)} need images: --data PATH"
    labelled = {metric.id for spec in owners.values() for metric in spec.metrics if metric.needs_labels}
    blind = [rule.name for rule in policy.rules if rule.metric in labelled]
    if has_data and not has_labels and blind:
        yield f"the data has no labels, and these rules need them: {', '.join(blind)}"
