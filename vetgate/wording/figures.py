"""One metric of both models as text: its figures side by side, their bounds, and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from vetgate.domain.evidence import (
    Counts,
    Exact,
    Looks,
    Measurement,
    Of,
    PairedCounts,
    Pairs,
    Quantiles,
    Unstated,
    Versus,
)
from vetgate.domain.unit import Better, Unit, format_quantity

LEVELS = (0.05, 0.95)
"""Between these quantiles lie the one-sided 95 % bounds."""
SAME_LEVEL = 1e-9
UNBOUNDED = "too few"
"""Stands for bounds from 0 to infinity: pairs that exclude no ratio."""
BOUNDS_TOLD = "Below a figure stand its one-sided 95 % bounds."
_TITLES = {
    Of.PAIR: "value",
    Of.CANDIDATE: "candidate",
    Of.REFERENCE: "reference",
    Of.DELTA: "difference",
    Of.RATIO: "ratio",
}
"""Titles of the columns, in the order to read them."""
_BASELINE = "baseline"
TELLING = (Of.DELTA, Of.RATIO, Of.PAIR, Of.CANDIDATE, Of.REFERENCE)
"""Roles whose figure tells of a metric, the most telling first."""
_BOUNDED_FIRST = (Of.RATIO, Of.DELTA, Of.PAIR, Of.CANDIDATE, Of.REFERENCE)
"""Roles whose bounds are shown where there is room for one: a ratio holds on other machines too."""


@dataclass(frozen=True)
class Cell:
    """One figure as text, and its bounds where its distribution was handed on."""

    text: str
    bounds: str = ""


@dataclass(frozen=True)
class Figure:
    """One metric as text."""

    cells: Mapping[str, Cell] = field(default_factory=dict)
    """By title of its column."""
    reading: str = ""
    """`better`, `worse` or `same`, seen from the reference; empty where the metric has no better side."""
    basis: str = ""
    """What it rests on: images, discordant images, pairs."""
    telling: str = ""
    """Title of the column whose bounds matter most."""


def titles(rows: Iterable[Figure]) -> list[str]:
    """Return the titles of the columns that any of the rows fills, in the order to read them."""
    filled = {title for row in rows for title in row.cells}
    order = list(_TITLES.values())
    order.insert(order.index("reference") + 1, _BASELINE)
    return [title for title in order if title in filled]


def figure_of(roles: Mapping[Of, Measurement]) -> Figure:
    """Return one metric as text, from its measurements by role; of figures against a baseline that is the other."""
    telling = [role for role in TELLING if role in roles]
    bounded = [role for role in telling if not isinstance(roles[role].uncertainty, Exact | Unstated)]
    ranged = [role for role in _BOUNDED_FIRST if role in roles and bounds_text(roles[role])]
    shown = (ranged or bounded or telling)[:1]
    return Figure(
        cells={_title(roles[role]): _cell(roles[role]) for role in _TITLES if role in roles},
        reading=_reading(roles),
        basis=basis_of(roles[shown[0]]) if shown else "",
        telling=_title(roles[ranged[0]]) if ranged else "",
    )


def figure_text(measurement: Measurement) -> str:
    """Return a measurement's value as text."""
    return _text(measurement, measurement.value)


def bounds_text(measurement: Measurement) -> str:
    """Return the one-sided 95 % bounds as `-1.31 to -0.12 pp`; empty where the evidence does not hand them on.

    What is handed on as counts is told by its counts (see basis_of); pairs that bound neither side are too few.
    """
    match measurement.uncertainty:
        case Quantiles(levels=levels, values=values):
            ends = [_at(level, levels, values) for level in LEVELS]
        case Pairs(log_ratios=log_ratios) if log_ratios:
            from vetgate.statistics import sign_bounds

            bounds = sign_bounds(log_ratios, LEVELS[1])
            if (bounds.lower, bounds.upper) == (0.0, math.inf):
                return UNBOUNDED
            ends = [bounds.lower, bounds.upper]
        case _:
            return ""
    texts = ["∞" if end == math.inf else _text(measurement, end) for end in ends if end is not None]
    return span(texts[0], texts[1]) if len(texts) == len(LEVELS) else ""


def _at(wanted: float, levels: Sequence[float], values: Sequence[float]) -> float | None:
    """Return the value at a level; a stranger's evidence may hold fewer values than levels."""
    pairs = zip(levels, values, strict=False)
    return next((value for level, value in pairs if math.isclose(level, wanted, abs_tol=SAME_LEVEL)), None)


def span(lower: str, upper: str) -> str:
    """Return two printed figures as `96.45 to 97.03 %`: their unit once, where it is the same."""
    number, _, unit = lower.partition(" ")
    return f"{number if unit and upper.endswith(f' {unit}') else lower} to {upper}"


def basis_of(measurement: Measurement) -> str:
    """Return what a measurement rests on: `179 down, 107 up of 10,000`; the last look of a run with many."""
    match measurement.uncertainty:
        case PairedCounts(b=b, c=c, n=n):
            return f"{b:,} down, {c:,} up of {n:,}"
        case Counts(k=k, n=n):
            return f"{k:,} of {n:,}"
        case Looks(down=None, up=up, n=n):
            return f"{up[-1]:,} of {n[-1]:,}"
        case Looks(down=(*_, b), up=up, n=n):
            return f"{b:,} down, {up[-1]:,} up of {n[-1]:,}"
        case Pairs(log_ratios=log_ratios):
            return f"{len(log_ratios):,} {'pair' if len(log_ratios) == 1 else 'pairs'}"
        case Exact():
            return "exact"
        case Unstated():
            return f"n = {measurement.n:,}, no interval"
    return f"n = {measurement.n:,}"


def _title(measurement: Measurement) -> str:
    if measurement.versus is Versus.BASELINE and measurement.role is Of.REFERENCE:
        return _BASELINE
    return _TITLES[measurement.role]


def _cell(measurement: Measurement) -> Cell:
    return Cell(figure_text(measurement), bounds_text(measurement))


def _text(measurement: Measurement, value: float) -> str:
    unit = Unit.RATIO if measurement.role is Of.RATIO else measurement.unit
    return format_quantity(value, unit, signed=measurement.role is Of.DELTA)


def _reading(roles: Mapping[Of, Measurement]) -> str:
    """Return which model's figure is the better one, without a word on whether the difference means anything."""
    step: float | None = None
    if Of.CANDIDATE in roles and Of.REFERENCE in roles:
        step = roles[Of.CANDIDATE].value - roles[Of.REFERENCE].value
    elif Of.DELTA in roles:
        step = roles[Of.DELTA].value
    elif Of.RATIO in roles:
        step = roles[Of.RATIO].value - 1
    if step is None:
        return ""
    better = next(iter(roles.values())).better
    if better is Better.NEITHER:
        return ""
    if step == 0:
        return "same"
    return "better" if (step > 0) == (better is Better.HIGHER) else "worse"
