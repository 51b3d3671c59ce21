"""The figures of two reports side by side as text: tables by reading, and reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vetgate.domain.difference import CandidateDifference, FigureChange, Reading
from vetgate.domain.evidence import BATCH, Of
from vetgate.domain.unit import Unit, format_beside, format_quantity
from vetgate.wording.figures import span

PARTS = {
    Reading.WORSE: "Worse",
    Reading.BETTER: "Better",
    Reading.CHANGED: "Changed; no side is better, or nobody can say how surely",
    Reading.UNCLEAR: "No clear change",
}
"""Readings of figures that stand in tables, in the order to read them, and the titles of these."""
SINGLES = {
    Reading.INCOMPARABLE: "Cannot be compared",
    Reading.NEW: "Only in the new report",
    Reading.GONE: "Only in the old report",
}
"""Readings of figures that stand by their reasons."""
LESS_TOLD = (Reading.UNCLEAR, Reading.SAME)
"""Readings of which figures of single slices are only counted."""
NAMED = 8
"""Figures that one reason names."""
_FAMILIES = ("accuracy", "similarity", "footprint", "latency", "opscore")
_SMALLEST = 1e-4
_ROLES = {Of.DELTA: "/delta", Of.RATIO: "/ratio"}


@dataclass(frozen=True)
class FigureRow:
    """One compared figure as text; `metric` and `where` may hold text of strangers."""

    metric: str
    """With its role, as rules have it: `latency.p50/ratio`."""
    where: str
    """The part of the images that it is confined to: `class Shirt`; empty for all."""
    old: str
    new: str
    change: str
    interval: str
    """Empty for exact figures, `no interval` where none is known."""
    p: str
    corrected: str
    remark: str
    """What it rests on, or what it would read if it were the only figure; empty for nothing."""


@dataclass(frozen=True)
class Part:
    """The figures of one reading."""

    reading: Reading
    title: str
    rows: tuple[FigureRow, ...]
    """Over all images, in the order in which reports tell them."""
    sliced: tuple[FigureRow, ...]
    """Of single slices, the surest first."""
    quiet: int
    """Figures of single slices that are only counted."""

    @property
    def figures(self) -> int:
        """How many there are."""
        return len(self.rows) + len(self.sliced) + self.quiet


def parts(candidate: CandidateDifference) -> tuple[Part, ...]:
    """Return the tables of compared figures."""
    found = []
    for reading, title in PARTS.items():
        figures = [figure for figure in candidate.figures if figure.reading is reading]
        overall = sorted((figure for figure in figures if not _is_sliced(figure)), key=_family)
        sliced = sorted((figure for figure in figures if _is_sliced(figure)), key=_chance_of)
        told = [figure for figure in sliced if reading not in LESS_TOLD or figure.alone is not None]
        if figures:
            rows = (tuple(map(_row, overall)), tuple(map(_row, told)))
            found.append(Part(reading, title, *rows, quiet=len(sliced) - len(told)))
    return tuple(found)


def _family(figure: FigureChange) -> int:
    """Return where figures of a kind stand: quality first, cost after, as reports have them."""
    family = figure.metric.partition(".")[0]
    return _FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)


def _chance_of(figure: FigureChange) -> float:
    return 1.0 if figure.p is None else figure.p


def unchanged(candidate: CandidateDifference) -> tuple[str, ...]:
    """Return the names of figures that are as they were."""
    return tuple(label(figure) for figure in candidate.figures if figure.reading is Reading.SAME)


def singles(candidate: CandidateDifference, reading: Reading) -> tuple[tuple[str, str], ...]:
    """Return figures of one reading by their reason: `latency.p90/ratio and 3 more`, and the reason."""
    by_reason: dict[str, list[str]] = {}
    for figure in candidate.figures:
        if figure.reading is reading:
            value = figure.new if figure.old is None else figure.old if figure.new is None else None
            told = "" if value is None else f" {_text(figure, value)}"
            by_reason.setdefault(figure.reason, []).append(f"{label(figure)}{told}")
    return tuple((_listed(labels), reason) for reason, labels in by_reason.items())


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - NAMED:,} more" if len(labels) > NAMED else ""
    return ", ".join(labels[:NAMED]) + more


def notes(candidate: CandidateDifference) -> tuple[tuple[str, str], ...]:
    """Return what comparisons rest on that no table says, by the figures that it is said of."""
    found: dict[str, list[str]] = {}
    for figure in candidate.figures:
        if figure.reading in PARTS and figure.basis and not _is_paired(figure):
            by = f" by {figure.slice.by}" if figure.slice is not None else ""
            found.setdefault(figure.basis, []).append(f"{_metric(figure)}{by}")
    return tuple((_listed(list(dict.fromkeys(names))), basis) for basis, names in found.items())


def _is_sliced(figure: FigureChange) -> bool:
    """Return whether a figure is of a part of the images; timed calls by batch are none."""
    return figure.slice is not None and figure.slice.value is not None and figure.slice.by != BATCH


def _is_paired(figure: FigureChange) -> bool:
    return figure.basis.startswith("paired by image")


def label(figure: FigureChange) -> str:
    """Return the name of a figure: `latency.p50/ratio (batch 1)`."""
    where = f" ({figure.slice.name})" if figure.slice is not None else ""
    return f"{_metric(figure)}{where}"


def _metric(figure: FigureChange) -> str:
    return f"{figure.metric}{_ROLES.get(figure.role, '')}"


def _row(figure: FigureChange) -> FigureRow:
    return FigureRow(
        metric=_metric(figure),
        where=figure.slice.name if figure.slice is not None else "",
        old=_text(figure, figure.old),
        new=_text(figure, figure.new),
        change=_change(figure, figure.change, figure.change),
        interval=_interval(figure),
        p=_chance(figure.p),
        corrected=_chance(figure.corrected),
        remark="; ".join(_remarks(figure)),
    )


def _remarks(figure: FigureChange) -> Iterator[str]:
    if figure.alone is not None:
        yield f"{figure.alone.value} if it were the only figure looked at"
    if _is_paired(figure):
        yield figure.basis


def _text(figure: FigureChange, value: float | None) -> str:
    return format_quantity(value, figure.unit, signed=figure.role is Of.DELTA)


def _change(figure: FigureChange, value: float | None, beside: float | None) -> str:
    """Return a change as text, so exactly that it does not read as none."""
    if figure.relative:
        return format_beside(value, 1.0 if beside != 1.0 else None, Unit.RATIO)
    return format_beside(value, 0.0 if beside else None, figure.unit, signed=True)


def _interval(figure: FigureChange) -> str:
    if figure.exact:
        return ""
    if figure.lower is None or figure.upper is None:
        return "no interval"
    return span(_change(figure, figure.lower, figure.lower), _change(figure, figure.upper, figure.upper))


def _chance(p: float | None) -> str:
    if p is None:
        return ""
    return "< 0.0001" if p < _SMALLEST else f"{p:.2g}" if p < 1 else "1"


def names(texts: Iterable[str]) -> str:
    """Return names as one text: the first few, and how many more there are."""
    return _listed(list(texts))
