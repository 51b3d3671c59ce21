"""Every figure of two saved reports: by how much it changed and how surely, or why nobody can tell. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vetgate.domain.difference import FigureChange, Reading
from vetgate.domain.evidence import Evidence, Exact, Measurement, Of, Outcome, PairedCounts, Unstated
from vetgate.domain.report import Report
from vetgate.domain.specs import MetricSpec
from vetgate.domain.unit import Better, Unit
from vetgate.measure.beside import compare, without_bounds
from vetgate.measure.comparable import TIMES, IncomparableError, Key, Owner, Run, Runs, Setting
from vetgate.measure.significance import FAR, tested_change

OLD, NEW = "the old report", "the new report"
UNKNOWN = "no plugin here measures it, so what it rests on is not known; vetgate plugins shows what is found"
ANYWHERE = (Of.CANDIDATE, Of.PAIR)
"""Whose figures are compared where nothing speaks against it."""


@dataclass(frozen=True)
class _Both:
    """The two reports and their runs."""

    old: Report
    new: Report
    runs: Runs
    confidence: float


def figure_changes(
    old: Report, new: Report, owners: Mapping[str, Owner], confidence: float
) -> tuple[FigureChange, ...]:
    """Return what became of each figure, in the order measured; readings are not settled yet, see `settle`.

    Args:
        old: The earlier report.
        new: The later one.
        owners: Of each metric on offer.
        confidence: Of intervals, in (0.5, 1).
    """
    now, then = Run.of(new.evidence, Setting.of(new), NEW), Run.of(old.evidence, Setting.of(old), OLD)
    side = (1.0 + confidence) / 2
    runs = Runs(now, then, owners, (), levels=(side, *FAR), again="run it without --sequential")
    both = _Both(old, new, runs, confidence)
    return tuple(_changes(both))


def settle(changes: Sequence[FigureChange], confidence: float) -> tuple[FigureChange, ...]:
    """Return figures with the readings that they have among so many.

    Args:
        changes: Of all candidates.
        confidence: 1 minus the chance that any figure reads better or worse where none has changed.
    """
    from vetgate.statistics import holm

    places = [place for place, change in enumerate(changes) if change.p is not None]
    corrected = dict(zip(places, holm([changes[place].p or 0.0 for place in places]), strict=True))
    most = 1.0 - confidence
    settled = list(changes)
    for place, value in corrected.items():
        change = changes[place]
        reading = _direction(change)
        alone = reading if change.p is not None and change.p <= most < value else None
        told = reading if value <= most else Reading.UNCLEAR
        settled[place] = change.model_copy(update={"corrected": value, "reading": told, "alone": alone})
    return tuple(settled)


def _changes(both: _Both) -> Iterator[FigureChange]:
    now, then = both.runs.now.figures, both.runs.then.figures
    for key in {**now, **then}:
        if key[1] in _roles(both.runs.owners.get(key[0])):
            yield _change(key, both) if key in now and key in then else _single(key, both)


def _roles(owner: Owner | None) -> tuple[Of, ...]:
    """Return whose figures of a metric are compared: times, and scores made of them, only beside the reference."""
    if owner is None:
        return ANYWHERE
    if owner.metric.unit in TIMES:
        return (Of.RATIO,)
    return (Of.DELTA,) if owner.metric.unit is Unit.SCORE and Of.DELTA in owner.metric.roles else ANYWHERE


def _change(key: Key, both: _Both) -> FigureChange:
    """Return how a figure that both reports have changed."""
    now, then = both.runs.now.figures[key], both.runs.then.figures[key]
    figure = _beginning(now, then.value, now.value)
    try:
        change = _compared(now, both)
    except IncomparableError as error:
        return figure.model_copy(update={"reason": str(error)})
    except (ValueError, OverflowError) as error:  # a report may have been edited: counts and pairs that cannot be
        return figure.model_copy(update={"reason": f"the two figures make no sense together: {error}"[:200]})
    return figure.model_copy(update=_measured(change, both.confidence))


def _beginning(figure: Measurement, old: float | None, new: float | None) -> FigureChange:
    return FigureChange(
        metric=figure.metric,
        role=figure.role,
        slice=figure.slice,
        unit=Unit.RATIO if figure.role is Of.RATIO else figure.unit,
        better=figure.better,
        old=old,
        new=new,
        reading=Reading.INCOMPARABLE,
    )


def _compared(now: Measurement, both: _Both) -> Measurement:
    """Return the difference or ratio of a figure between the two runs.

    Raises:
        IncomparableError: They do not share what it takes.
        ValueError: A report was edited.
    """
    owner = both.runs.owners.get(now.metric)
    if owner is None:
        raise IncomparableError(UNKNOWN)
    _require_same_machine(owner.metric, both)
    _require_same_independents(owner.metric, both)
    role = Of.RATIO if owner.metric.unit in TIMES else Of.DELTA
    change = next(figure for figure in compare(now, both.runs) if figure.role is role)
    return without_bounds(change) if owner.metric.live else change


def _require_same_machine(metric: MetricSpec, both: _Both) -> None:
    """Refuse times of two machines: what is faster on one may be slower on the other."""
    then, now = both.old.environment.processor, both.new.environment.processor
    if (metric.unit in TIMES or (metric.live and metric.unit is Unit.SCORE)) and then != now:
        raise IncomparableError(f"it was timed on another machine: {then} then, {now} now")


def _require_same_independents(metric: MetricSpec, both: _Both) -> None:
    if metric.needs_yardstick:
        then, now = (report.yardstick.sha256 if report.yardstick else None for report in (both.old, both.new))
        if then != now or then is None:
            raise IncomparableError("the two reports were held against other yardsticks")


def _measured(change: Measurement, confidence: float) -> dict[str, object]:
    """Return the fields that a comparison fills."""
    relative = change.role is Of.RATIO
    step = change.value - 1.0 if relative else change.value
    found: dict[str, object] = {"change": change.value, "relative": relative, "basis": _basis(change)}
    if isinstance(change.uncertainty, Exact):
        return found | {"exact": True, "reading": _way(step, change.better)}
    tested = None if isinstance(change.uncertainty, Unstated) else tested_change(change, confidence)
    if tested is None:
        return found | {"reading": Reading.CHANGED if step else Reading.SAME}
    return found | {"lower": tested.lower, "upper": tested.upper, "p": tested.p, "reading": Reading.UNCLEAR}


def _basis(change: Measurement) -> str:
    match change.uncertainty:
        case PairedCounts(b=b, c=c, n=n):
            return f"paired by image: {b:,} only before, {c:,} only now, of {n:,}"
    return change.note


def _way(step: float, better: Better) -> Reading:
    if step == 0:
        return Reading.SAME
    if better is Better.NEITHER:
        return Reading.CHANGED
    return Reading.BETTER if (step > 0) == (better is Better.HIGHER) else Reading.WORSE


def _direction(change: FigureChange) -> Reading:
    step = (change.change or 0.0) - (1.0 if change.relative else 0.0)
    return _way(step, change.better)


def _single(key: Key, both: _Both) -> FigureChange:
    """Return a figure that one report alone has, and why the other has not."""
    is_new = key in both.runs.now.figures
    figure = (both.runs.now if is_new else both.runs.then).figures[key]
    begun = _beginning(figure, None if is_new else figure.value, figure.value if is_new else None)
    reason = _why_absent(figure, both, is_new=is_new)
    return begun.model_copy(update={"reading": Reading.NEW if is_new else Reading.GONE, "reason": reason})


def _why_absent(figure: Measurement, both: _Both, *, is_new: bool) -> str:
    report, named = (both.old, OLD) if is_new else (both.new, NEW)
    owner = both.runs.owners.get(figure.metric)
    found = next((entry for entry in report.evidence if owner is not None and entry.check == owner.check), None)
    if found is not None and found.outcome is not Outcome.MEASURED:
        return f"{named} does not hold it: {found.check} was {found.outcome.value}: {found.reason}"
    if figure.slice is not None and _holds(found, figure):
        return f"{named} does not hold it for {figure.slice.name}: its policy asks for other slices"
    if both.old.policy.sha256 == both.new.policy.sha256:
        return f"{named} does not hold it: its run did not measure it, by the same policy"
    return f"{named} does not hold it: its policy does not ask for it"


def _holds(evidence: Evidence | None, figure: Measurement) -> bool:
    """Whether a check found the figure for other parts of the images."""
    return evidence is not None and any(each.metric == figure.metric for each in evidence.measurements)
