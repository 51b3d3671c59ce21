"""What a report shows of the evidence: figures side by side, the worst classes, what did not run and what did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vetgate.reporting import (
    Better,
    Counts,
    Evidence,
    Exact,
    Exhibit,
    Finding,
    Measurement,
    ModelSummary,
    Of,
    Outcome,
    PairedCounts,
    Pairs,
    Quantiles,
    Report,
    Table,
    Unit,
    Unstated,
    format_quantity,
)

WORST = 5
"""Classes listed of each figure that comes by class."""
_TELLING = (Of.DELTA, Of.RATIO, Of.CANDIDATE, Of.REFERENCE)
_FAMILIES = ("accuracy", "similarity", "footprint", "latency", "opscore")
_NONE = ""


@dataclass(frozen=True)
class Figure:
    """One metric of both models, as text; empty where it was not measured."""

    metric: str
    candidate: str = _NONE
    reference: str = _NONE
    difference: str = _NONE
    ratio: str = _NONE
    reading: str = _NONE
    """`better`, `worse` or `same`, seen from the reference; empty where the metric has no better side."""
    basis: str = _NONE
    """What it rests on: images, discordant images, pairs."""

    def texts(self) -> dict[str, str]:
        """Return its columns by title, in the order to read them."""
        return {
            "candidate": self.candidate,
            "reference": self.reference,
            "difference": self.difference,
            "ratio": self.ratio,
            "reading": self.reading,
            "rests on": self.basis,
        }


@dataclass(frozen=True)
class PairFigure:
    """One metric of the pair as such."""

    metric: str
    value: str
    basis: str


@dataclass(frozen=True)
class WorstClasses:
    """The classes that fare worst by one metric."""

    metric: str
    shown_by: Of
    """Whose figure orders them."""
    classes: int
    rows: tuple[tuple[str, Figure], ...]
    """Class name and its figures, worst first."""


def figure_text(measurement: Measurement) -> str:
    """Return a measurement's value as text."""
    unit = Unit.RATIO if measurement.role is Of.RATIO else measurement.unit
    return format_quantity(measurement.value, unit, signed=measurement.role is Of.DELTA)


def figures(report: Report) -> tuple[Figure, ...]:
    """Return every figure of the two models over all images, quality first, cost after."""
    found = [
        _figure(metric, roles)
        for evidence in report.evidence
        for metric, roles in _by_metric(evidence, None).items()
        if set(roles) - {Of.PAIR}
    ]
    return tuple(sorted(found, key=lambda figure: _place(figure.metric)))


def pair_figures(report: Report) -> tuple[PairFigure, ...]:
    """Return every figure of the pair over all images."""
    found = [
        PairFigure(measurement.metric, figure_text(measurement), _basis(measurement))
        for measurement in _measurements(report)
        if measurement.role is Of.PAIR and measurement.slice is None
    ]
    return tuple(sorted(found, key=lambda figure: _place(figure.metric)))


def _place(metric: str) -> int:
    """Return where a metric's family stands; families that nobody foresaw come last, in the order measured."""
    family = metric.partition(".")[0]
    return _FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)


def worst_classes(report: Report) -> tuple[WorstClasses, ...]:
    """Return the worst classes of every metric that was measured by class."""
    return tuple(table for evidence in report.evidence for table in _worst_classes(evidence))


def notes(report: Report) -> tuple[str, ...]:
    """Return what must be known to read the figures, each once, with the figures it is about."""
    about: dict[str, dict[str, list[str]]] = {}
    for measurement in _measurements(report):
        if measurement.note:
            roles = about.setdefault(measurement.note, {}).setdefault(measurement.metric, [])
            if measurement.role.value not in roles:
                roles.append(measurement.role.value)
    return tuple(
        ", ".join(f"{metric} of {' and '.join(roles)}" for metric, roles in metrics.items()) + f": {note}"
        for note, metrics in about.items()
    )


def findings(report: Report) -> tuple[Finding, ...]:
    """Return the findings of all checks, worst first."""
    everything = [finding for evidence in report.evidence for finding in evidence.findings]
    return tuple(sorted(everything, key=lambda finding: -finding.severity))


def exhibits(report: Report) -> tuple[Exhibit, ...]:
    """Return the pictures and tables of all checks."""
    return tuple(exhibit for evidence in report.evidence for exhibit in evidence.exhibits)


def cells(table: Table, most: int) -> list[list[str | float | int | None]]:
    """Return at most `most` rows of a table, each as long as its head."""
    width = len(table.columns)
    return [[*row[:width], *[None] * (width - len(row))] for row in table.rows[:most]]


def titles(rows: Iterable[Figure]) -> list[str]:
    """Return the titles of the columns that any of the rows fills."""
    listed = [row.texts() for row in rows]
    return [title for title in Figure("").texts() if any(texts[title] for texts in listed)]


def not_measured(report: Report) -> tuple[Evidence, ...]:
    """Return the evidence of checks that were skipped or failed to measure."""
    return tuple(evidence for evidence in report.evidence if evidence.outcome is not Outcome.MEASURED)


def measured(report: Report) -> str:
    """Return the checks that ran, with their time."""
    return ", ".join(
        f"{evidence.check} {evidence.seconds:.1f} s"
        for evidence in report.evidence
        if evidence.outcome is Outcome.MEASURED
    )


def runs(report: Report) -> tuple[tuple[str, str], ...]:
    """Return what really ran, by role."""
    return tuple((role, _run(model)) for role, model in models(report))


def models(report: Report) -> tuple[tuple[str, ModelSummary], ...]:
    """Return the two models by role."""
    return (("candidate", report.candidate), ("reference", report.reference))


def digests(report: Report) -> tuple[tuple[str, str], ...]:
    """Return everything that pins the run, as label and sha256."""
    listed: list[tuple[str, str | None]] = []
    for role, model in models(report):
        listed.append((role, model.sha256))
        if len(model.members) > 1:
            listed.extend((f"{role}: {member.name}", member.sha256) for member in model.members)
        listed.append((f"{role} card", model.card_sha256))
    listed.append(("data", report.data.sha256 if report.data else None))
    listed.append(("policy", report.policy.sha256))
    return tuple((label, digest) for label, digest in listed if digest is not None)


def model_line(model: ModelSummary) -> str:
    """Return format and size of a model."""
    size = "size unknown" if model.size is None else format_quantity(model.size / 1e6, Unit.MEGABYTES)
    return f"{model.format or 'format unknown'} · {size}"


def data_line(report: Report) -> str:
    """Return how many images the verdict rests on."""
    data = report.data
    if data is None:
        return "none"
    images = f"{data.images:,} images"
    if data.images != data.available:
        images = f"{data.images:,} of {data.available:,} images"
    labels = "labelled" if data.labelled else "without labels"
    classes = f" · {data.classes:,} classes" if data.classes is not None else ""
    return f"{images} · {labels}{classes}"


def _measurements(report: Report) -> Iterator[Measurement]:
    for evidence in report.evidence:
        yield from evidence.measurements


def _by_metric(evidence: Evidence, slice_name: str | None) -> dict[str, dict[Of, Measurement]]:
    """Return one slice's measurements by metric and role, in the order measured."""
    metrics: dict[str, dict[Of, Measurement]] = {}
    for measurement in evidence.measurements:
        if measurement.slice == slice_name:
            metrics.setdefault(measurement.metric, {})[measurement.role] = measurement
    return metrics


def _figure(metric: str, roles: dict[Of, Measurement]) -> Figure:
    texts = {role: figure_text(measurement) for role, measurement in roles.items()}
    telling = [roles[role] for role in _TELLING if role in roles]
    bounded = [entry for entry in telling if not isinstance(entry.uncertainty, Exact | Unstated)]
    return Figure(
        metric=metric,
        candidate=texts.get(Of.CANDIDATE, _NONE),
        reference=texts.get(Of.REFERENCE, _NONE),
        difference=texts.get(Of.DELTA, _NONE),
        ratio=texts.get(Of.RATIO, _NONE),
        reading=_reading(roles),
        basis=_basis((bounded or telling)[0]) if telling else _NONE,
    )


def _reading(roles: dict[Of, Measurement]) -> str:
    """Return which model's figure is the better one, without a word on whether the difference means anything."""
    step: float | None = None
    if Of.CANDIDATE in roles and Of.REFERENCE in roles:
        step = roles[Of.CANDIDATE].value - roles[Of.REFERENCE].value
    elif Of.DELTA in roles:
        step = roles[Of.DELTA].value
    elif Of.RATIO in roles:
        step = roles[Of.RATIO].value - 1
    better = next(iter(roles.values())).better
    if step is None or better is Better.NEITHER:
        return _NONE
    if step == 0:
        return "same"
    return "better" if (step > 0) == (better is Better.HIGHER) else "worse"


def _basis(measurement: Measurement) -> str:
    uncertainty = measurement.uncertainty
    if isinstance(uncertainty, PairedCounts):
        return f"{uncertainty.b:,} down, {uncertainty.c:,} up of {uncertainty.n:,}"
    if isinstance(uncertainty, Counts):
        return f"{uncertainty.k:,} of {uncertainty.n:,}"
    if isinstance(uncertainty, Pairs):
        return f"{len(uncertainty.log_ratios):,} pairs"
    if isinstance(uncertainty, Exact):
        return "exact"
    ending = {Quantiles: ", quantiles", Unstated: ", no interval"}.get(type(uncertainty), "")
    return f"n = {measurement.n:,}{ending}"


def _run(model: ModelSummary) -> str:
    execution = model.execution
    if execution is None:
        return "predictions from the cache" if model.from_cache else "not run"
    parts = [
        f"{execution.runtime} {execution.version}",
        execution.provider,
        f"{execution.threads} {'thread' if execution.threads == 1 else 'threads'}",
        execution.precision,
        *execution.notes,
    ]
    return " · ".join(parts + (["predictions from the cache"] if model.from_cache else []))


def _worst_classes(evidence: Evidence) -> Iterator[WorstClasses]:
    metrics: dict[str, dict[str, dict[Of, Measurement]]] = {}
    for measurement in evidence.measurements:
        if measurement.slice is not None:
            classes = metrics.setdefault(measurement.metric, {})
            classes.setdefault(measurement.slice, {})[measurement.role] = measurement
    for metric, classes in metrics.items():
        for role in (Of.DELTA, Of.PAIR, *_TELLING):
            ordered = [(roles[role], label) for label, roles in classes.items() if role in roles]
            if ordered:
                ordered.sort(key=lambda entry: _badness(entry[0]), reverse=True)
                rows = tuple((label, _sliced(metric, classes[label])) for _, label in ordered[:WORST])
                yield WorstClasses(metric, role, len(classes), rows)
                break


def _sliced(metric: str, roles: dict[Of, Measurement]) -> Figure:
    if Of.PAIR in roles and len(roles) == 1:
        pair = roles[Of.PAIR]
        return Figure(metric, difference=figure_text(pair), basis=_basis(pair))
    return _figure(metric, roles)


def _badness(measurement: Measurement) -> float:
    signs = {Better.HIGHER: -measurement.value, Better.LOWER: measurement.value}
    return signs.get(measurement.better, abs(measurement.value))
