"""The rows of a study as text, the same for every format that is a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vetgate.reporting import (
    Counts,
    Deviation,
    Deviations,
    Fate,
    Measurement,
    Of,
    Unit,
    bounds,
    format_quantity,
    plain,
    short_names,
    shorten,
)

LONGEST_LABEL = 40
UNKNOWN = "–"
INDEPENDENT = "independent models"
KEPT = "accuracy kept"


@dataclass(frozen=True)
class Cell:
    """One figure, and its one-sided 95 % bounds where they are shown."""

    text: str
    bounds: str = ""


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    title: str
    cell: Callable[[Deviation], Cell]
    words: bool = False
    """Whether it holds words, which stand to the left."""


@dataclass(frozen=True)
class Row:
    """One model, or the head of a family."""

    label: str
    deviation: Deviation | None = None
    """None for the head of a family."""


Prints = Callable[[float], str]


def _figure(metric: str, prints: Prints, of: Of = Of.PAIR, *, bounded: bool = False) -> Callable[[Deviation], Cell]:
    """Return what prints one figure, and its one-sided 95 % bounds where it has any."""

    def _cell(row: Deviation) -> Cell:
        figure = row.figures.get((metric, of))
        if figure is None:
            return Cell(UNKNOWN)
        ends = bounds(figure) if bounded else None
        if ends is None or ends[0] == ends[1]:
            return Cell(prints(figure.value))
        lower, upper = (prints(end).removesuffix(" pp") for end in ends)
        return Cell(prints(figure.value), f"{lower} to {upper}")

    return _cell


def multiple(value: float) -> str:
    """Return a ratio with three decimals, from 10 on with one; with more where three would make it 0."""
    if 0.0 < abs(value) < 0.0005:
        return f"{value:.1e}".replace("e-0", "e-")
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def _share(value: float) -> str:
    return format_quantity(value, Unit.FRACTION)


def _points(value: float) -> str:
    return format_quantity(value, Unit.FRACTION, signed=True)


def _score(value: float) -> str:
    return f"{value:.4f}"


def _bits(value: float) -> str:
    return format_quantity(value, Unit.SCORE)


def _relative(row: Deviation) -> Cell:
    return Cell(UNKNOWN if row.relative is None else f"{row.relative:+.2f} %")


def _flips(row: Deviation) -> Cell:
    """Return the images that turned wrong and right, as counts where they were counted."""
    figures = [row.figures.get((f"similarity.{side}_flips", Of.PAIR)) for side in ("negative", "positive")]
    if None in figures:
        return Cell(UNKNOWN)
    return Cell(" / ".join(_flip(figure) for figure in figures if figure is not None))


def _flip(figure: Measurement) -> str:
    counted = figure.uncertainty
    return f"{counted.k:,}" if isinstance(counted, Counts) else format_quantity(figure.value, figure.unit)


def reading(row: Deviation) -> str:
    """Return what became of the reference's function in a model, or of its accuracy where that is all that is told."""
    return KEPT if row.fate is Fate.OPEN and row.delta is not None else row.fate.value


def _fate(row: Deviation) -> Cell:
    return Cell(reading(row))


def _decision(row: Deviation) -> Cell:
    return Cell("" if row.decision is None else row.decision.value)


DEVIATION = (
    Column("accuracy", _figure("accuracy.top1", _share, Of.CANDIDATE)),
    Column("deviation", _relative),
    Column("difference", _figure("accuracy.top1", _points, Of.DELTA, bounded=True)),
    Column("size", _figure("footprint.size_mb", multiple, Of.RATIO)),
    Column("non-zero", _figure("footprint.nonzero_params", multiple, Of.RATIO)),
)
FUNCTION = (
    Column("agreement", _figure("similarity.agreement", _share)),
    Column("kappa", _figure("similarity.kappa", _score)),
    Column("errors", _figure("similarity.error_consistency", _score)),
    Column("flips -/+", _flips),
    Column("JS bit", _figure("similarity.js_divergence", _bits)),
    Column("CKA", _figure("similarity.cka", _score)),
)
READING = (
    Column("independence", _figure("similarity.independence", multiple, bounded=True)),
    Column("reads as", _fate, words=True),
    Column("judged", _decision, words=True),
)
TITLES = {
    "deviation": "100 (Acc_c - Acc_r) / Acc_r",
    "size": "file over the reference's",
    "non-zero": "weights over the reference's",
    "errors": "error consistency",
    "flips -/+": "images that turned wrong / right",
    "independence": "distance over the independents' median one",
}


def filled(columns: Sequence[Column], table: Deviations) -> tuple[Column, ...]:
    """Return the columns that hold anything for any model."""
    rows = (*table.measured, *table.independents)
    return tuple(column for column in columns if any(column.cell(row).text not in ("", UNKNOWN) for row in rows))


def rows(table: Deviations) -> Iterator[Row]:
    """Yield the measured variants under the heads of their families, then the independents."""
    for family in dict.fromkeys(row.family for row in table.measured):
        yield Row(label_of(family))
        yield from (Row(label_of(row.label or row.name), row) for row in table.measured if row.family == family)
    if table.independents:
        yield Row(INDEPENDENT)
        names = short_names([row.name for row in table.independents])
        for name, row in zip(names, table.independents, strict=True):
            yield Row(shorten(name, LONGEST_LABEL), row)


def label_of(text: str) -> str:
    """Return a family or a label, harmless and short."""
    return shorten(plain(text), LONGEST_LABEL)


def name_of(row: Deviation) -> str:
    """Return a variant in a sentence: its family and label, such as `L1 pruning 50 %`."""
    return f"{label_of(row.family)} {label_of(row.label)}".strip()


def by_family(table: Deviations) -> list[tuple[str, str]]:
    """Return each family with what became of its variants, in order: `same function 10 %, 30 %; damaged 50 %`."""
    told = []
    for family in dict.fromkeys(row.family for row in table.measured):
        found: dict[str, list[str]] = {}
        for row in table.measured:
            if row.family == family:
                found.setdefault(reading(row), []).append(label_of(row.label))
        told.append((label_of(family), "; ".join(f"{fate}: {', '.join(labels)}" for fate, labels in found.items())))
    return told


def listed(names: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
