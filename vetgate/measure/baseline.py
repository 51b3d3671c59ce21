"""This run's candidate beside the candidate of a saved report: what is comparable, and by how much they differ.

Figures of answers need the same images. Times are never compared across runs as they are: what is compared is how each
candidate stood to one and the same reference, run in one and the same way. Whatever cannot be compared is left out, and
the reason says so: a rule on it stays inconclusive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from vetgate.domain.evidence import (
    Counts,
    Evidence,
    Exact,
    Measurement,
    Of,
    Outcome,
    Pairs,
    PerImage,
    Quantiles,
    Uncertainty,
    Unstated,
    Versus,
)
from vetgate.domain.policy import Rule
from vetgate.domain.report import Report
from vetgate.domain.specs import CheckSpec, MetricSpec
from vetgate.domain.unit import Unit
from vetgate.measure import difference
from vetgate.measure.comparable import (
    TIMES,
    IncomparableError,
    Run,
    Runs,
    Setting,
    owners_of,
    require_same_data,
    require_same_yardstick,
)

CHECK = "baseline"
"""Name of the evidence."""
NO_RATIO = "a figure that is not over 0 has no ratio"
BETWEEN_RUNS = (
    "figures of live models move between runs by more than one run can tell, so no bounds are stated; to be sure, time "
    "the last release in the same run: --latency-reference FILE"
)
LONGEST = 200
"""Characters of a reason that arithmetic gives."""
MOST_NAMED = 6
"""Figures that one reason names."""
ROUNDING = 1e-9
"""What division may cost a share of images."""


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
    runs = Runs(Run.of(evidence, setting), Run.of(baseline.evidence, Setting.of(baseline)), owners_of(specs), asked)
    found: list[Measurement] = []
    lacks: dict[str, dict[str, None]] = {}
    for figure in _comparable(runs):
        try:
            compared = tuple(_compare(figure, runs))  # all of a figure or nothing of it
            found += map(_without_bounds, compared) if runs.owners[figure.metric].metric.live else compared
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


def _without_bounds(figure: Measurement) -> Measurement:
    """Return a comparison of live models as the estimate that it is.

    The ratio of one pair of models, timed in eight runs in a row on a busy machine, moved by 4 %; the bounds of two
    such runs, combined, excluded `no change` in 27 % of comparisons on either side, where they promise 5 %.
    """
    if figure.role not in (Of.DELTA, Of.RATIO):
        return figure
    told = figure.note.partition("; the two runs together")[0]
    note = "; ".join(part for part in (told, BETWEEN_RUNS) if part)
    return figure.model_copy(update={"uncertainty": Unstated(), "note": note})


def _compare(now: Measurement, runs: Runs) -> Iterator[Measurement]:
    """Yield the baseline's figure, and the difference and ratio of the two, as far as each means something."""
    owner = runs.owners[now.metric]
    require_same_data(owner, runs)
    require_same_yardstick(now, runs)
    then = runs.then.figures.get((now.metric, now.role, now.slice))
    if then is None:
        raise IncomparableError(
            "the baseline's report does not hold it; vet that candidate again by a policy that asks for it"
        )
    if then.unit is not now.unit:
        raise IncomparableError(f"the baseline has it in {then.unit.value}, this run in {now.unit.value}")
    for figure, whose in ((now, "this run"), (then, "the baseline")):
        _require_consistent(figure, whose)
    confidences = runs.confidences(now.metric)
    if owner.metric.unit in TIMES:
        yield _ratio_of_ratios(now, then, confidences, runs)
        return
    if owner.metric.unit is Unit.SCORE:
        yield _unpaired(now, then, confidences, note="of what each run's candidate scored beside the same reference")
        return
    yield from (
        _beside(now, Of.CANDIDATE, now.value, now.uncertainty),
        _beside(then, Of.REFERENCE, then.value, then.uncertainty),
    )
    yield _difference(now, then, runs, confidences)
    if Of.RATIO in owner.metric.roles and _has_ratio(now, then):
        yield _ratio(now, then, confidences)


def _difference(now: Measurement, then: Measurement, runs: Runs, confidences: Sequence[float]) -> Measurement:
    """Return the difference of two figures: paired by image where both runs kept what that takes."""
    key = (now.metric, now.role)
    mine, other = runs.now.per_image.get(key), runs.then.per_image.get(key)
    why = _why_unpaired(now, mine, other, runs)
    if mine is None or other is None or why:
        bounded = not any(isinstance(figure.uncertainty, Exact | Unstated) for figure in (now, then))
        return _unpaired(now, then, confidences, note=f"not paired by image, because {why}" if bounded else "")
    for figure, kept, whose in ((now, mine, "this run"), (then, other, "the baseline")):
        _require_counted(figure, kept, whose)
    pairs = difference.paired(mine, other)
    return _beside(now, Of.DELTA, (pairs.c - pairs.b) / pairs.n, pairs)


def _why_unpaired(now: Measurement, mine: PerImage | None, other: PerImage | None, runs: Runs) -> str:
    """Return why the answers of two runs on the same data are not paired image by image; empty where they are."""
    if mine is None and other is None and isinstance(now.uncertainty, Quantiles):
        return "it does not count single images as right or wrong"
    if now.slice is not None:
        return "answers per image are kept for all images together"
    for run, whose in ((runs.then, "the baseline's run"), (runs.now, "this run")):
        if run.setting.stopping is not None and run.setting.stopping.early:
            return f"{whose} stopped early"
    if mine is None or other is None:
        return f"{'this run' if mine is None else 'the baseline'} holds no answers per image"
    unreadable = {run.setting.data.unreadable for run in (runs.now, runs.then) if run.setting.data is not None}
    return "the two runs could not read the same images" if len(unreadable) > 1 else ""


def _require_consistent(figure: Measurement, whose: str) -> None:
    """Refuse a share that the counts beside it do not make."""
    counts = figure.uncertainty
    if isinstance(counts, Counts) and abs(counts.k / counts.n - figure.value) > ROUNDING:
        raise IncomparableError(
            f"{whose} contradicts itself: it says {figure.value:.6g}, but its counts are {counts.k:,} of {counts.n:,}"
        )


def _require_counted(figure: Measurement, kept: PerImage, whose: str) -> None:
    """Refuse answers per image that do not make up the figure that they stand beside."""
    try:
        counted = difference.count(kept)
    except ValueError as error:
        raise IncomparableError(f"{whose} is damaged: {error}") from None
    if kept.n != figure.n or abs(counted / kept.n - figure.value) > ROUNDING:
        raise IncomparableError(
            f"{whose} contradicts itself: by its answers per image it is {counted:,} of {kept.n:,}, but it says "
            f"{figure.value:.6g} of {figure.n:,}"
        )


def _unpaired(now: Measurement, then: Measurement, confidences: Sequence[float], *, note: str) -> Measurement:
    uncertainty = difference.difference(now, then, confidences)
    return _noted(_beside(now, Of.DELTA, now.value - then.value, uncertainty, then), confidences, note)


def _ratio_of_ratios(now: Measurement, then: Measurement, confidences: Sequence[float], runs: Runs) -> Measurement:
    if not (isinstance(now.uncertainty, Pairs) and isinstance(then.uncertainty, Pairs)):
        raise IncomparableError("times of two runs compare only by ratios that were taken in pairs, at the median")
    if not _has_ratio(now, then):
        raise IncomparableError(NO_RATIO)
    return _ratio(now, then, confidences, note=_times_note(runs))


def _has_ratio(now: Measurement, then: Measurement) -> bool:
    return now.value > 0 and then.value > 0


def _ratio(now: Measurement, then: Measurement, confidences: Sequence[float], *, note: str = "") -> Measurement:
    uncertainty = difference.quotient(now, then, confidences)
    return _noted(_beside(now, Of.RATIO, now.value / then.value, uncertainty, then), confidences, note)


def _beside(
    now: Measurement, role: Of, value: float, uncertainty: Uncertainty, then: Measurement | None = None
) -> Measurement:
    """Return a figure of the comparison; it rests on the smaller of two runs."""
    return Measurement(
        metric=now.metric,
        role=role,
        value=value,
        unit=Unit.RATIO if role is Of.RATIO else now.unit,
        better=now.better,
        n=min(now.n, then.n) if then is not None else now.n,
        uncertainty=uncertainty,
        slice=now.slice,
        versus=Versus.BASELINE,
    )


def _noted(figure: Measurement, confidences: Sequence[float], note: str) -> Measurement:
    """Return a figure with its note, and with the levels asked for at which the two runs together tell no bounds."""
    lacking = difference.lacking(figure.uncertainty, confidences)
    levels = " and ".join(f"{100 * level:g} %" for level in lacking)
    notes = [note, f"the two runs together tell no bounds at {levels}" if lacking else ""]
    return figure.model_copy(update={"note": "; ".join(part for part in notes if part)})


def _times_note(runs: Runs) -> str:
    """Return how times of two runs were compared."""
    now, then = runs.now.setting.environment.processor, runs.then.setting.environment.processor
    machine = "" if now == then else f", measured on {then} for the baseline and on {now} now"
    return f"each run's candidate over the same reference, then one over the other{machine}"


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
