"""One figure of two runs beside each other: whether they are comparable, by how much they differ, and how surely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vetgate.domain.evidence import (
    Counts,
    Exact,
    Measurement,
    Of,
    Pairs,
    PerImage,
    Quantiles,
    Uncertainty,
    Unstated,
    Versus,
)
from vetgate.domain.unit import Unit
from vetgate.measure import difference
from vetgate.measure.comparable import TIMES, IncomparableError, Runs, require_same_data, require_same_yardstick

NO_RATIO = "a figure that is not over 0 has no ratio"
BETWEEN_RUNS = (
    "figures of live models move between runs by more than one run can tell, so no bounds are stated; to be sure, time "
    "the last release in the same run: --latency-reference FILE"
)
ROUNDING = 1e-9
"""What division may cost a share of images."""


def without_bounds(figure: Measurement) -> Measurement:
    """Return a comparison of live models as the estimate that it is.

    The ratio of one pair of models, timed in eight runs in a row on a busy machine, moved by 4 %; the bounds of two
    such runs, combined, excluded `no change` in 27 % of comparisons on either side, where they promise 5 %.
    """
    if figure.role not in (Of.DELTA, Of.RATIO):
        return figure
    told = figure.note.partition("; the two runs together")[0]
    note = "; ".join(part for part in (told, BETWEEN_RUNS) if part)
    return figure.model_copy(update={"uncertainty": Unstated(), "note": note})


def compare(now: Measurement, runs: Runs) -> Iterator[Measurement]:
    """Yield the other run's figure, and the difference and ratio of the two, as far as each means something.

    Raises:
        IncomparableError: They cannot be compared; the sentence says why.
        ValueError: The figures make no sense together, as in a report that was edited.
    """
    owner = runs.owners[now.metric]
    require_same_data(owner, runs)
    require_same_yardstick(now, runs)
    then = runs.then.figures.get((now.metric, now.role, now.slice))
    if then is None:
        raise IncomparableError(
            f"{runs.then.named}'s report does not hold it; vet that candidate again by a policy that asks for it"
        )
    if then.unit is not now.unit:
        raise IncomparableError(f"{runs.then.named} has it in {then.unit.value}, {runs.now.named} in {now.unit.value}")
    for figure, whose in ((now, runs.now.named), (then, runs.then.named)):
        _require_consistent(figure, whose)
    if owner.metric.unit in TIMES:
        yield _ratio_of_ratios(now, then, runs)
        return
    if owner.metric.unit is Unit.SCORE and now.role is Of.DELTA:
        yield _unpaired(now, then, runs, note="of what each run's candidate scored beside the same reference")
        return
    yield from (
        _beside(now, Of.CANDIDATE, now.value, now.uncertainty),
        _beside(then, Of.REFERENCE, then.value, then.uncertainty),
    )
    yield _difference(now, then, runs)
    if Of.RATIO in owner.metric.roles and _has_ratio(now, then):
        yield _ratio(now, then, runs)


def _difference(now: Measurement, then: Measurement, runs: Runs) -> Measurement:
    """Return the difference of two figures: paired by image where both runs kept what that takes."""
    key = (now.metric, now.role)
    mine, other = runs.now.per_image.get(key), runs.then.per_image.get(key)
    why = _why_unpaired(now, mine, other, runs)
    if mine is None or other is None or why:
        bounded = not any(isinstance(figure.uncertainty, Exact | Unstated) for figure in (now, then))
        return _unpaired(now, then, runs, note=f"not paired by image, because {why}" if bounded else "")
    for figure, kept, whose in ((now, mine, runs.now.named), (then, other, runs.then.named)):
        _require_counted(figure, kept, whose)
    pairs = difference.paired(mine, other)
    return _beside(now, Of.DELTA, (pairs.c - pairs.b) / pairs.n, pairs)


def _why_unpaired(now: Measurement, mine: PerImage | None, other: PerImage | None, runs: Runs) -> str:
    """Return why the answers of two runs on the same data are not paired image by image; empty where they are."""
    if mine is None and other is None and isinstance(now.uncertainty, Quantiles):
        return "it does not count single images as right or wrong"
    if now.slice is not None:
        return "answers per image are kept for all images together"
    for run in (runs.then, runs.now):
        if run.setting.stopping is not None and run.setting.stopping.early:
            return f"{run.told} stopped early"
    if mine is None and other is None:
        return "neither report holds answers per image of it"
    if mine is None or other is None:
        return f"{(runs.now if mine is None else runs.then).named} holds no answers per image of it"
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


def _unpaired(now: Measurement, then: Measurement, runs: Runs, *, note: str) -> Measurement:
    confidences = runs.confidences(now.metric)
    uncertainty = difference.difference(now, then, (*confidences, *runs.levels))
    return _noted(_beside(now, Of.DELTA, now.value - then.value, uncertainty, then), confidences, note)


def _ratio_of_ratios(now: Measurement, then: Measurement, runs: Runs) -> Measurement:
    if not (isinstance(now.uncertainty, Pairs) and isinstance(then.uncertainty, Pairs)):
        raise IncomparableError("times of two runs compare only by ratios that were taken in pairs, at the median")
    if not _has_ratio(now, then):
        raise IncomparableError(NO_RATIO)
    return _ratio(now, then, runs, note=_times_note(runs))


def _has_ratio(now: Measurement, then: Measurement) -> bool:
    return now.value > 0 and then.value > 0


def _ratio(now: Measurement, then: Measurement, runs: Runs, *, note: str = "") -> Measurement:
    confidences = runs.confidences(now.metric)
    uncertainty = difference.quotient(now, then, (*confidences, *runs.levels))
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
    machine = "" if now == then else f", measured on {then} for {runs.then.named} and on {now} now"
    return f"each run's candidate over the same reference, then one over the other{machine}"
