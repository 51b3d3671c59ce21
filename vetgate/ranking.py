"""Rank candidates by OpScore, with the Pareto front of accuracy, time and size. Pure arithmetic on reports.

Source: İ. Arı and M. B. Çamlı, "Tradeoff Assessment of Deep Learning Models based on Accuracy, Time and Size", DOI
10.17671/gazibtd.976711, equation 1 and Tables 5 and 6: the fictitious models MIN and MAX have the best and the worst
value of every column, and scores are normalised between theirs.

Every candidate was timed beside the reference, each at another time of a machine that drifts. So all times stand on
one scale: the median of the reference's times, times each candidate's own ratio to it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from vetgate.domain.evidence import Evidence, Measurement, Of, Outcome, Quantiles, Versus
from vetgate.domain.record import Record
from vetgate.domain.report import Report, ReportSet

METRICS = ("accuracy.top1", "footprint.size_mb", "latency.throughput", "opscore.inference")
"""What every candidate must have measured."""
CONFIDENCE = 0.95
"""Of each of the two bounds of a score."""
IMAGES = 10_000
"""Times are for this many."""
_SAME_LEVEL = 1e-9
_PAIRED = {"latency.throughput": Of.RATIO, "opscore.inference": Of.DELTA}

_Figures: TypeAlias = Mapping[tuple[str, Of], Measurement]


class Interval(Record):
    """Two one-sided bounds at CONFIDENCE each."""

    lower: float
    upper: float


class Standing(Record):
    """One model of the ranking."""

    name: str
    """The path as typed."""
    reference: bool = False
    same_file: bool = False
    """Whether a candidate is the reference's own file, byte by byte: what tells the two apart is how they ran."""
    accuracy: float
    """Top-1, in [0, 1]."""
    error: float
    """Error rate that was scored, in (0, 1]: a model without error counts as one that made half of one."""
    seconds: float
    """For 10,000 images, on the scale that all rows share."""
    megabytes: float
    score: float
    """Inference OpScore from these columns; lower is better."""
    interval: Interval | None = None
    """None where the uncertainty of accuracy or time was not stated."""
    delta: float = 0.0
    """Score minus that of the reference, on the same images and in interleaved pairs."""
    delta_interval: Interval | None = None
    normalised: float | None = None
    """Score between those of MIN (0) and MAX (1); None where the two are equal."""
    front: bool = False
    """Whether no other row is at least as good in accuracy, time and size and better in one of them."""
    note: str = ""


class Extreme(Record):
    """The fictitious model with the best or the worst value of every column."""

    name: Literal["MIN", "MAX"]
    accuracy: float
    seconds: float
    megabytes: float
    score: float


class Unranked(Record):
    """A candidate that could not be measured."""

    name: str
    reason: str


class Ranking(Record):
    """Candidates and their reference, best score first."""

    schema_version: Literal[1] = 1
    data: str
    """Name of the data set."""
    data_sha256: str
    images: int
    machine: str
    confidence: float = CONFIDENCE
    rows: tuple[Standing, ...] = ()
    best: Extreme | None = None
    """MIN; None where nothing was measured."""
    worst: Extreme | None = None
    unranked: tuple[Unranked, ...] = ()
    notes: tuple[str, ...] = ()
    """What must be known to read the rows rightly, each once."""


def rank(reports: ReportSet) -> Ranking:
    """Return the ranking of all candidates of a report set, and of their reference.

    Args:
        reports: Of one reference, one data set and one machine.

    Raises:
        ValueError: The reports are of several references, data sets or machines, whose scores say nothing about each
            other.
    """
    _require_comparable(reports.reports)
    measured, unranked = [], []
    for report in reports.reports:
        reason = _why_not(report)
        if reason:
            unranked.append(Unranked(name=report.candidate.name, reason=reason))
        else:
            measured.append(report)
    rows = _standings(measured)
    best, worst = extremes(rows) if rows else (None, None)
    rows = [_placed(row, rows, best, worst) for row in rows]
    first = reports.reports[0]
    data = next((report.data for report in reports.reports if report.data is not None), None)
    return Ranking(
        data=data.name if data else "no data set",
        data_sha256=data.sha256 if data else "",
        images=data.images if data else 0,
        machine=f"{first.environment.processor}, {first.environment.cores} cores, {first.environment.platform}",
        rows=tuple(sorted(rows, key=lambda row: (row.score, row.name))),
        best=best,
        worst=worst,
        unranked=tuple(unranked),
        notes=tuple(_notes(measured, rows)),
    )


def score_of(error: float, seconds: float, megabytes: float) -> float:
    """Return log10 of error rate x seconds x MB; all above 0."""
    return math.log10(error) + math.log10(seconds) + math.log10(megabytes)


def extremes(rows: Sequence[Standing]) -> tuple[Extreme, Extreme]:
    """Return MIN and MAX: the best and the worst of every column, recomputed from the rows."""
    made = []
    for name, best, worst in (("MIN", min, max), ("MAX", max, min)):
        error = best(row.error for row in rows)
        seconds, megabytes = best(row.seconds for row in rows), best(row.megabytes for row in rows)
        made.append(
            Extreme(
                name="MIN" if name == "MIN" else "MAX",
                accuracy=worst(row.accuracy for row in rows),
                seconds=seconds,
                megabytes=megabytes,
                score=score_of(error, seconds, megabytes),
            )
        )
    return made[0], made[1]


def dominates(one: Standing, other: Standing) -> bool:
    """Return whether a row is at least as good in accuracy, time and size, and better in one of them."""
    pairs = ((other.accuracy, one.accuracy), (one.seconds, other.seconds), (one.megabytes, other.megabytes))
    return all(left <= right for left, right in pairs) and any(left < right for left, right in pairs)


def _placed(row: Standing, rows: Sequence[Standing], best: Extreme | None, worst: Extreme | None) -> Standing:
    """Return a row with its place between the extremes, and whether it is on the front."""
    normalised = None
    if best is not None and worst is not None and worst.score > best.score:
        normalised = min(max((row.score - best.score) / (worst.score - best.score), 0.0), 1.0)
    front = not any(dominates(other, row) for other in rows)
    return row.model_copy(update={"normalised": normalised, "front": front})


def _standings(reports: Sequence[Report]) -> list[Standing]:
    """Return the rows, the reference first, all times on one scale."""
    if not reports:
        return []
    figures = [_figures(report) for report in reports]
    common = statistics.median(IMAGES / found["latency.throughput", Of.REFERENCE].value for found in figures)
    rows = [_standing(reports[0].reference.name, figures[0], Of.REFERENCE, common)]
    for report, found in zip(reports, figures, strict=True):
        row = _standing(report.candidate.name, found, Of.CANDIDATE, common)
        same = report.candidate.sha256 is not None and report.candidate.sha256 == report.reference.sha256
        rows.append(row.model_copy(update={"same_file": same}))
    return rows


def _standing(name: str, figures: _Figures, role: Of, common: float) -> Standing:
    """Return the row of one model.

    Args:
        name: Its name.
        figures: Of its report.
        role: Candidate or reference.
        common: Seconds of the reference that all rows share.
    """
    accuracy, megabytes = figures["accuracy.top1", role].value, figures["footprint.size_mb", role].value
    scored, own = figures["opscore.inference", role], IMAGES / figures["latency.throughput", role].value
    error = 10.0 ** (scored.value - math.log10(own) - math.log10(megabytes))
    speed = figures["latency.throughput", Of.RATIO].value if role is Of.CANDIDATE else 1.0
    seconds = common / speed
    score = score_of(error, seconds, megabytes)
    delta = figures["opscore.inference", Of.DELTA] if role is Of.CANDIDATE else None
    return Standing(
        name=name,
        reference=role is Of.REFERENCE,
        accuracy=accuracy,
        error=error,
        seconds=seconds,
        megabytes=megabytes,
        score=score,
        interval=_interval(scored, score - scored.value),
        delta=delta.value if delta else 0.0,
        delta_interval=_interval(delta, 0.0) if delta else None,
        note=scored.note,
    )


def _interval(figure: Measurement, shift: float) -> Interval | None:
    """Return the bounds of a figure, moved with it; None where it has none at CONFIDENCE."""
    if not isinstance(figure.uncertainty, Quantiles):
        return None
    found = list(zip(figure.uncertainty.levels, figure.uncertainty.values, strict=True))
    ends = [
        next((value for level, value in found if abs(level - wanted) <= _SAME_LEVEL), None)
        for wanted in (1.0 - CONFIDENCE, CONFIDENCE)
    ]
    if ends[0] is None or ends[1] is None:
        return None
    return Interval(lower=ends[0] + shift, upper=ends[1] + shift)


def _figures(report: Report) -> dict[tuple[str, Of], Measurement]:
    return {
        (figure.metric, figure.role): figure
        for evidence in report.evidence
        if evidence.outcome is Outcome.MEASURED
        for figure in evidence.measurements
        if figure.slice is None and figure.versus is Versus.REFERENCE
    }


def _why_not(report: Report) -> str:
    """Return why a candidate cannot be ranked; empty where it can."""
    figures = _figures(report)
    needed = [(metric, role) for metric in METRICS for role in (Of.CANDIDATE, Of.REFERENCE)]
    missing = [key for key in [*needed, *_PAIRED.items()] if key not in figures]
    positive = [("footprint.size_mb", role) for role in (Of.CANDIDATE, Of.REFERENCE)]
    positive += [("latency.throughput", role) for role in (Of.CANDIDATE, Of.REFERENCE, Of.RATIO)]
    if not missing:
        empty = next((key for key in positive if figures[key].value <= 0), None)
        return f"{empty[0]} of the {empty[1]} is not above 0" if empty else ""
    failed = [entry for entry in report.evidence if entry.outcome is not Outcome.MEASURED and entry.reason]
    if failed:
        return _cause(failed).reason
    return f"{', '.join(dict.fromkeys(metric for metric, _ in missing))} was not measured"


def _cause(failed: Iterable[Evidence]) -> Evidence:
    """Return what the others follow from: an error before what was skipped, and the first of either."""
    return min(failed, key=lambda entry: entry.outcome is not Outcome.ERRORED)


def _notes(reports: Sequence[Report], rows: Sequence[Standing]) -> Iterable[str]:
    """Yield what must be known to read the rows, each once."""
    told: dict[str, list[str]] = {}
    for row in rows:
        if row.note:
            told.setdefault(row.note, []).append(row.name)
    for note, names in told.items():
        yield note if len(names) == len(rows) else f"{', '.join(names)}: {note}"
    runs = {
        f"{one.runtime} · {one.provider} · threads: {one.threads}"
        for report in reports
        for one in (report.candidate.execution, report.reference.execution)
        if one is not None
    }
    if len(runs) > 1:
        yield f"times are of different runtimes, so they tell more than the models: {'; '.join(sorted(runs))}"
    for name in sorted({report.timed_reference.name for report in reports if report.timed_reference}):
        yield f"{name} was timed in place of the reference, whose accuracy and size are those of its own file"


def _require_comparable(reports: Sequence[Report]) -> None:
    """Refuse reports whose scores say nothing about each other."""
    machines = {_machine(report) for report in reports}
    data = {report.data.sha256: report.data.name for report in reports if report.data is not None}
    references = {report.reference.sha256: report.reference.name for report in reports if report.reference.sha256}
    timed = {report.timed_reference.sha256 if report.timed_reference else None for report in reports}
    fed = {report.reference.card_sha256 for report in reports if report.reference.card_sha256}
    for what, found in (
        ("data sets", sorted(f"{name} ({digest[:12]})" for digest, name in data.items())),
        ("machines", sorted(machines)),
        ("references", sorted(f"{name} ({str(digest)[:12]})" for digest, name in references.items())),
        ("timed references", sorted(map(str, timed))),
        ("cards of the reference", sorted(fed)),
    ):
        if len(found) > 1:
            raise ValueError(
                f"these reports are of {len(found)} {what}: {'; '.join(found)}. Scores are comparable only on the same "
                "images, the same machine and against the same reference; measure all candidates in one run"
            )


def _machine(report: Report) -> str:
    place = report.environment
    return f"{place.processor}, {place.cores} cores, {place.platform}"
