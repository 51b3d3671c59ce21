"""This run's candidate beside the candidate of a saved report: what is comparable, and by how much they differ.

Figures of answers need the same images. Times are never compared across runs as they are: what is compared is how each
candidate stood to one and the same reference, run in one and the same way. Whatever cannot be compared is left out, and
the reason says so: a rule on it stays inconclusive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from vetgate.domain.evidence import Evidence, Measurement, Of, Outcome, Versus
from vetgate.domain.policy import Rule
from vetgate.domain.report import Report
from vetgate.domain.specs import CheckSpec, MetricSpec
from vetgate.domain.unit import Unit
from vetgate.measure.beside import NO_RATIO, compare, without_bounds
from vetgate.measure.comparable import TIMES, IncomparableError, Run, Runs, Setting, owners_of

CHECK = "baseline"
"""Name of the evidence."""
LONGEST = 200
"""Characters of a reason that arithmetic gives."""
MOST_NAMED = 6
"""Figures that one reason names."""


def against_baseline(
    evidence: Sequence[Evidence],
    setting: Setting,
    baseline: Report,
    specs: Sequence[CheckSpec[Any]],
    rules: Sequence[Rule],
) -> Evidence:
    """Return how this run's candidate differs from the baseline's.

    Args:
        evidence: Of this run.
        setting: Of this run.
        baseline: The saved report.
        specs: Every check on offer.
        rules: Those of the policy; of the ones `versus: baseline` the levels and slices are measured too.

    Returns:
        Evidence that is `skipped` where nothing could be compared. Its reason names what could not, also where other
        figures could.
    """
    asked = tuple(rule for rule in rules if rule.versus is Versus.BASELINE)
    now, then = Run.of(evidence, setting, "this run"), Run.of(baseline.evidence, Setting.of(baseline), "the baseline")
    runs = Runs(now, then, owners_of(specs), asked)
    found: list[Measurement] = []
    lacks: dict[str, dict[str, None]] = {}
    for figure in _comparable(runs):
        try:
            compared = tuple(compare(figure, runs))  # all of a figure or nothing of it
            found += map(without_bounds, compared) if runs.owners[figure.metric].metric.live else compared
        except IncomparableError as error:
            lacks.setdefault(str(error), {})[figure.metric] = None
        except (ValueError, OverflowError) as error:  # a report may have been edited: counts and pairs that cannot be
            why = " ".join(str(error).split())[:LONGEST]
            lacks.setdefault(f"the two runs' figures make no sense together: {why}", {})[figure.metric] = None
    told = {metric for metrics in lacks.values() for metric in metrics}
    for rule in asked:
        if rule.metric not in told and not any(_answers(figure, rule) for figure in found):
            lacks.setdefault(_why_absent(rule, runs), {})[rule.metric] = None
    wanted = {rule.metric for rule in asked}
    if not found and not lacks:
        lacks["this run measured nothing that a baseline can be compared with"] = {}
    return Evidence(
        check=CHECK,
        outcome=Outcome.MEASURED if found else Outcome.SKIPPED,
        measurements=tuple(found),
        ran=runs.now.ran if any(runs.owners[figure.metric].metric.live for figure in found) else None,
        reason="; ".join(
            _lack_words(reason, tuple(metrics), wanted)
            for reason, metrics in sorted(lacks.items(), key=lambda item: wanted.isdisjoint(item[1]))
        ),
    )


def _comparable(runs: Runs) -> Iterator[Measurement]:
    """Yield this run's figures in the role in which each can be compared with another run's."""
    for figure in runs.now.figures.values():
        owner = runs.owners.get(figure.metric)
        if owner is not None and figure.role in _roles(owner.metric) and runs.wants(figure):
            yield figure


def _roles(metric: MetricSpec) -> tuple[Of, ...]:
    """Return the roles whose figures are compared: times, and scores made of them, only beside the reference."""
    if metric.unit in TIMES:
        return (Of.RATIO,)
    return (Of.DELTA,) if metric.unit is Unit.SCORE else (Of.CANDIDATE, Of.PAIR)


def _answers(figure: Measurement, rule: Rule) -> bool:
    """Whether a figure is one that a rule asks for."""
    where, wanted = figure.slice, rule.slice
    if (figure.metric, figure.role) != (rule.metric, rule.of) or (where is None) != (wanted is None):
        return False
    return where is None or wanted is None or (where.by == wanted.by and wanted.value in (None, where.value))


def _why_absent(rule: Rule, runs: Runs) -> str:
    if rule.of is Of.RATIO and any(metric == rule.metric for metric, _, _ in runs.now.figures):
        return NO_RATIO
    return "this run did not measure it" + (f" for {rule.slice.name}" if rule.slice is not None else "")


def _lack_words(reason: str, metrics: Sequence[str], wanted: Collection[str]) -> str:
    """Return `accuracy.top1 and 3 more: REASON`, naming what rules ask for, or else the first."""
    named = [metric for metric in metrics if metric in wanted] or list(metrics)
    named = named[:MOST_NAMED]
    more = f" and {len(metrics) - len(named)} more" if len(metrics) > len(named) else ""
    return f"{', '.join(named)}{more}: {reason}" if named else reason
