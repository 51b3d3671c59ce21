"""What a report shows of the evidence: tables of figures by family, notes, findings, exhibits, what did not run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vetgate.domain.evidence import BATCH, Evidence, Finding, Measurement, Of, Outcome, Slice, Versus
from vetgate.domain.exhibit import Exhibit, Picture, Table
from vetgate.domain.report import Report
from vetgate.domain.verdict import Decision
from vetgate.wording.figures import Figure, figure_of

PAIR = "of the pair"
COLD = "cold start and memory"
BASELINE = "against the baseline"
OPSCORE = "OpScore, lower is better"
NO_YARDSTICK = "no yardstick was given: how far is an independent model? --yardstick FILE"
_SIMILARITY = "similarity"
_OTHER = "other figures"
_SECTIONS = {
    "accuracy": "accuracy",
    "similarity": "similarity",
    "footprint": "footprint",
    "latency": "latency",
    "opscore": OPSCORE,
}
_ORDER = ("accuracy", PAIR, "similarity", "footprint", "latency", COLD, OPSCORE, _OTHER, BASELINE)
_COLD_METRICS = ("latency.cold_start", "footprint.peak_memory_mb")
"""Taken from processes of their own; beside times of warm calls they would be misread."""


@dataclass(frozen=True)
class Section:
    """One table of figures."""

    of: str
    """Title of its first column."""
    rows: tuple[tuple[str, Figure], ...]
    """Name of the figure, and the figure."""
    notes: tuple[str, ...] = ()
    """What must be known to read them."""


def sections(report: Report) -> tuple[Section, ...]:
    """Return the figures over all images, and those over all slices of a column, quality first, cost after."""
    said = "\n".join(ruling.because for ruling in report.verdict.rulings if ruling.decision is not Decision.PASS)
    found: dict[tuple[str, Slice | None], list[_Row]] = {}
    for evidence in report.evidence:
        for (metric, where, versus, of_pair), roles in _grouped(evidence).items():
            of = BASELINE if versus is Versus.BASELINE else PAIR if of_pair else _section(metric)
            batch = where if where is not None and where.value is not None else None
            label = metric if where is None or batch is not None else f"{metric} by {where.by}"
            found.setdefault((of, batch), []).append((label, figure_of(roles), _told(roles.values(), said)))
    ordered = sorted(found.items(), key=lambda item: (_ORDER.index(item[0][0]), _batch(item[0][1])))
    return tuple(
        Section(
            of if batch is None else f"{of}, {batch.name}",
            tuple((label, figure) for label, figure, _ in rows),
            _notes(rows),
        )
        for (of, batch), rows in ordered
    )


_Row = tuple[str, Figure, tuple[str, ...]]
"""Name of the figure, the figure, and the parts of its notes that no reason of a ruling says already."""


def _told(figures: Iterable[Measurement], said: str) -> tuple[str, ...]:
    """Return what notes on one metric say, part by semicolon part, without those that a longer one begins with."""
    parts = list(dict.fromkeys(part for figure in figures for part in figure.note.split("; ") if part))
    new = [part for part in parts if part not in said]
    return tuple(part for part in new if not any(other.startswith(f"{part} ") for other in parts))


def _notes(rows: Sequence[_Row]) -> tuple[str, ...]:
    """Return each part once, after the figures that it is on where these are not all: `p90, p95: of 2,400 calls`."""
    on: dict[str, list[str]] = {}
    for label, _, parts in rows:
        for part in parts:
            on.setdefault(part, []).append(label)
    notes: dict[tuple[str, ...], list[str]] = {}
    for part, labels in on.items():
        notes.setdefault(tuple(labels), []).append(part)
    alike = len({label.partition(".")[0] for label, *_ in rows}) == 1
    short = {label: label.partition(".")[2] if alike and "." in label else label for label, *_ in rows}
    return tuple(
        ("" if len(labels) == len(rows) else f"{', '.join(short[label] for label in labels)}: ") + "; ".join(said)
        for labels, said in notes.items()
    )


_Key = tuple[str, Slice | None, Versus, bool]


def _grouped(evidence: Evidence) -> dict[_Key, dict[Of, Measurement]]:
    """Return measurements by metric, slice and other side, in the order measured."""
    groups: dict[_Key, dict[Of, Measurement]] = {}
    for measurement in evidence.measurements:
        where = measurement.slice
        if where is None or where.value is None or where.by == BATCH:
            key = (measurement.metric, where, measurement.versus, measurement.role is Of.PAIR)
            groups.setdefault(key, {})[measurement.role] = measurement
    for (metric, where, versus, of_pair), roles in groups.items():
        own = groups.get((metric, where, Versus.REFERENCE, False), {}).get(Of.CANDIDATE)
        if versus is Versus.BASELINE and not of_pair and own is not None:
            roles.setdefault(Of.CANDIDATE, own)
    return groups


def _batch(where: Slice | None) -> int:
    """Return the images of a call, to sort by; 0 where the figures are of no batch."""
    value = where.value if where is not None else None
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 10 else 0


def _section(metric: str) -> str:
    return COLD if metric in _COLD_METRICS else _SECTIONS.get(metric.partition(".")[0], _OTHER)


def lacks_yardstick(report: Report) -> bool:
    """Return whether figures of similarity stand alone, with nothing that says how far they are."""
    families = {figure.metric.partition(".")[0] for entry in report.evidence for figure in entry.measurements}
    return report.yardstick is None and _SIMILARITY in families


def findings(report: Report) -> tuple[Finding, ...]:
    """Return the findings of all checks, worst first."""
    everything = [finding for evidence in report.evidence for finding in evidence.findings]
    return tuple(sorted(everything, key=lambda finding: -finding.severity))


def exhibits(report: Report) -> tuple[Exhibit, ...]:
    """Return the exhibits of all checks but those that belong beside the OpScore, and those that are only drawn."""
    return tuple(
        shown for entry in report.evidence if not _scores(entry) for shown in entry.exhibits if not only_drawn(shown)
    )


def only_drawn(exhibit: Exhibit) -> bool:
    """Return whether an exhibit is a table that says little to who reads it."""
    return isinstance(exhibit, Table) and exhibit.chart is not None and exhibit.chart.only


def grouped(shown: Sequence[Exhibit]) -> list[tuple[Exhibit, ...]]:
    """Return exhibits in order, pictures of single images under one title together."""
    groups: list[tuple[Exhibit, ...]] = []
    for exhibit in shown:
        last = groups[-1][-1] if groups else None
        one = isinstance(exhibit, Picture) and exhibit.image is not None
        if one and isinstance(last, Picture) and last.title == exhibit.title:
            groups[-1] = (*groups[-1], exhibit)
        else:
            groups.append((exhibit,))
    return groups


def parts_of_scores(report: Report) -> tuple[Exhibit, ...]:
    """Return what the OpScore is made of."""
    return tuple(shown for entry in report.evidence if _scores(entry) for shown in entry.exhibits)


def _scores(evidence: Evidence) -> bool:
    """Return whether a check's figures are OpScores and nothing else."""
    return {figure.metric.partition(".")[0] for figure in evidence.measurements} == {"opscore"}


def cells(table: Table, most: int) -> list[list[str | float | int | None]]:
    """Return at most `most` rows of a table, each as long as its head."""
    width = len(table.columns)
    return [[*row[:width], *[None] * (width - len(row))] for row in table.rows[:most]]


def not_measured(report: Report) -> tuple[Evidence, ...]:
    """Return the evidence of checks that were skipped or failed to measure."""
    return tuple(evidence for evidence in report.evidence if evidence.outcome is not Outcome.MEASURED)
