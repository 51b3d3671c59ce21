"""What a report shows of the evidence: figures side by side, the worst classes, what did not run and what did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vetgate.reporting import (
    Better,
    Counts,
    Decision,
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
    Slice,
    Table,
    Unit,
    Unstated,
    format_quantity,
)

TELLING = (Of.DELTA, Of.RATIO, Of.CANDIDATE, Of.REFERENCE)
"""Roles whose figure tells of a metric, the most telling first."""
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
    value: str = _NONE
    """Of the pair as such, which is no model's."""

    def texts(self) -> dict[str, str]:
        """Return its columns by title, in the order to read them."""
        return {
            "value": self.value,
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


def figure_text(measurement: Measurement) -> str:
    """Return a measurement's value as text."""
    unit = Unit.RATIO if measurement.role is Of.RATIO else measurement.unit
    return format_quantity(measurement.value, unit, signed=measurement.role is Of.DELTA)


def figures(report: Report) -> tuple[Figure, ...]:
    """Return every figure of the two models over all images, quality first, cost after."""
    found = [
        figure_of(metric, roles)
        for evidence in report.evidence
        for metric, roles in _by_metric(evidence, None).items()
        if set(roles) - {Of.PAIR}
    ]
    return tuple(sorted(found, key=lambda figure: _place(figure.metric)))


def pair_figures(report: Report) -> tuple[PairFigure, ...]:
    """Return every figure of the pair over all images."""
    found = [
        PairFigure(measurement.metric, figure_text(measurement), basis_of(measurement))
        for measurement in _measurements(report)
        if measurement.role is Of.PAIR and measurement.slice is None
    ]
    return tuple(sorted(found, key=lambda figure: _place(figure.metric)))


def _place(metric: str) -> int:
    """Return where a metric's family stands; families that nobody foresaw come last, in the order measured."""
    family = metric.partition(".")[0]
    return _FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)


def notes(report: Report) -> tuple[tuple[str, str], ...]:
    """Return what must be known to read the figures: a family or figure, and its notes.

    What the reason of a ruling says already is left out.
    """
    said = "\n".join(ruling.because for ruling in report.verdict.rulings if ruling.decision is not Decision.PASS)
    about: dict[str, list[str]] = {}
    for measurement in _measurements(report):
        if measurement.note and measurement.note not in said:
            metrics = about.setdefault(measurement.note, [])
            if measurement.metric not in metrics:
                metrics.append(measurement.metric)
    labelled: dict[str, list[str]] = {}
    for note, metrics in about.items():
        families = list(dict.fromkeys(metric.partition(".")[0] for metric in metrics))
        label = metrics[0] if len(metrics) == 1 else ", ".join(families)
        labelled.setdefault(label, []).append(note)
    return tuple((label, "; ".join(told)) for label, told in labelled.items())


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


def policy_parts(report: Report) -> tuple[str, ...]:
    """Return the policy's name and where it stands, each once: `edge (carried)`, or `edge` and `vetgate.yaml:4`."""
    policy = report.policy
    return (policy.source,) if policy.source.startswith(policy.name) else (policy.name, policy.source)


def software(report: Report) -> str:
    """Return the versions of what ran, each package once."""
    environment = report.environment
    packages = [f"{package} {version}" for package, version in sorted(environment.packages.items())]
    own = f"vetgate {environment.vetgate}"
    return ", ".join([own, f"Python {environment.python}", *(package for package in packages if package != own)])


def command(report: Report) -> tuple[str, ...]:
    """Return the command that repeats the run, its program first."""
    given = report.command
    return given if given[:1] == ("vetgate",) else ("vetgate", *given)


def _measurements(report: Report) -> Iterator[Measurement]:
    for evidence in report.evidence:
        yield from evidence.measurements


def _by_metric(evidence: Evidence, where: Slice | None) -> dict[str, dict[Of, Measurement]]:
    """Return one slice's measurements by metric and role, in the order measured."""
    metrics: dict[str, dict[Of, Measurement]] = {}
    for measurement in evidence.measurements:
        if measurement.slice == where:
            metrics.setdefault(measurement.metric, {})[measurement.role] = measurement
    return metrics


def figure_of(metric: str, roles: dict[Of, Measurement]) -> Figure:
    """Return one metric of both models as text, from its measurements by role."""
    texts = {role: figure_text(measurement) for role, measurement in roles.items()}
    telling = [roles[role] for role in TELLING if role in roles]
    bounded = [entry for entry in telling if not isinstance(entry.uncertainty, Exact | Unstated)]
    return Figure(
        metric=metric,
        candidate=texts.get(Of.CANDIDATE, _NONE),
        reference=texts.get(Of.REFERENCE, _NONE),
        difference=texts.get(Of.DELTA, _NONE),
        ratio=texts.get(Of.RATIO, _NONE),
        reading=_reading(roles),
        basis=basis_of((bounded or telling)[0]) if telling else _NONE,
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


def basis_of(measurement: Measurement) -> str:
    """Return what a measurement rests on: `179 down, 107 up of 10,000`."""
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
