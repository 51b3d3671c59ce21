"""A forest plot: estimates with their intervals, each beside its own threshold, the failing side shaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vetgate_plot.palette import BAND, GREEN, INK, PALE, PURPLE, RULE, VERMILION, WARN
from vetgate_plot.scale import Scale, scale_of
from vetgate_plot.sheet import SMALL, TEXT, WIDTH, Shape, Sheet, fitted, reach

if TYPE_CHECKING:
    from matplotlib.figure import Figure

State = Literal["pass", "warn", "inconclusive", "fail"]
LOOKS: dict[State, tuple[Shape, str, bool]] = {
    "pass": ("o", GREEN, False),
    "warn": ("^", WARN, False),
    "inconclusive": ("D", PURPLE, True),
    "fail": ("X", VERMILION, False),
}
"""Shape, colour and whether it is hollow."""
STEP, HEAD, FOOT, EDGE = 46.0, 28.0, 26.0, 10.0


@dataclass(frozen=True)
class Estimate:
    """One row."""

    name: str
    told: str
    """The figure as text, and its threshold."""
    value: float
    lower: float | None
    """None where the data do not bound it."""
    upper: float | None
    threshold: float
    at_least: bool
    """Whether values below the threshold fail; else those above."""
    state: State


@dataclass(frozen=True)
class Ticks:
    """How the axis is written."""

    at: Sequence[float]
    texts: Sequence[str]


def scale_for(rows: Sequence[Estimate], *, logarithmic: bool, neutral: float | None) -> Scale:
    """Return the axis that all rows share.

    Args:
        rows: At least one.
        logarithmic: Whether equal steps are equal ratios.
        neutral: The value that stands for no difference, which is shown; None where there is none.
    """
    ends = [end for row in rows for end in (row.value, row.lower, row.upper, row.threshold) if end is not None]
    if logarithmic:
        ends = [end for end in ends if end > 0]
    return scale_of([*ends, *([] if neutral is None else [neutral])], logarithmic=logarithmic, room=0.06, ticks=5)


def forest(rows: Sequence[Estimate], scale: Scale, ticks: Ticks, *, neutral: float | None, note: str = "") -> Figure:
    """Return the plot.

    Args:
        rows: At least one.
        scale: From `scale_for`.
        ticks: Of the axis.
        neutral: The value that stands for no difference; None where there is none.
        note: A line below.
    """
    sheet = Sheet(HEAD + len(rows) * STEP + FOOT + (18.0 if note else 0.0))
    _legend(sheet, rows)
    floor = HEAD + len(rows) * STEP
    across = _placing(scale)
    for at, text in zip(ticks.at, ticks.texts, strict=True):
        x = across(at)
        side: Literal["left", "center", "right"] = "left" if x < 30 else "right" if x > WIDTH - 30 else "center"
        sheet.words(x, floor + 14.0, text, "tick", size=SMALL, colour=PALE, side=side)
    for place, row in enumerate(rows):
        _row(sheet, row, HEAD + place * STEP, scale, [across(at) for at in ticks.at])
        if neutral is not None:
            along = HEAD + place * STEP
            sheet.line(
                [(across(neutral), along + 18.0), (across(neutral), along + 42.0)], "neutral", colour=PALE, dashes=":"
            )
    sheet.note(note)
    return sheet.figure


def _placing(scale: Scale) -> Callable[[float], float]:
    """Return where values stand across the sheet."""
    return lambda value: EDGE + scale.at(value) * (WIDTH - 2 * EDGE)


def _legend(sheet: Sheet, rows: Sequence[Estimate]) -> None:
    left = 6.0
    for state, (shape, colour, hollow) in LOOKS.items():
        if any(row.state == state for row in rows):
            sheet.mark(left, 10.0, shape, "swatch", colour=colour, hollow=hollow)
            sheet.words(left + 9.0, 14.0, state, "legend", size=SMALL)
            left += 24.0 + reach(state, SMALL)
    sheet.bar(left - 4.0, 4.0, left + 6.0, 16.0, "swatch", colour=BAND)
    sheet.line([(left + 6.0, 3.0), (left + 6.0, 17.0)], "swatch", colour=INK, width=1.6)
    sheet.words(left + 11.0, 14.0, "margin; shaded fails", "legend", size=SMALL)


def _row(sheet: Sheet, row: Estimate, top: float, scale: Scale, grid: Sequence[float]) -> None:
    across = _placing(scale)
    shape, colour, hollow = LOOKS[row.state]
    sheet.words(0.0, top + TEXT, fitted(row.name, WIDTH - reach(row.told, SMALL) - 10.0), "label")
    sheet.words(WIDTH, top + TEXT, row.told, "value", size=SMALL, side="right")
    middle, limit = top + 30.0, across(row.threshold)
    ends = (0.0, limit) if row.at_least else (limit, WIDTH)
    sheet.bar(ends[0], top + 19.0, ends[1], top + 41.0, "failing", colour=BAND)
    for x in grid:
        sheet.line([(x, top + 19.0), (x, top + 41.0)], "grid", colour=RULE)
    sheet.line([(limit, top + 18.0), (limit, top + 42.0)], "threshold", colour=INK, width=1.6)
    low = 0.0 if row.lower is None else across(row.lower)
    high = WIDTH if row.upper is None else across(row.upper)
    sheet.line([(low, middle), (high, middle)], "interval", colour=colour, width=2.4)
    for end, bound in ((low, row.lower), (high, row.upper)):
        if bound is not None:
            sheet.line([(end, middle - 5.0), (end, middle + 5.0)], "cap", colour=colour, width=2.0)
    sheet.mark(across(row.value), middle, shape, f"point {row.state}", colour=colour, area=80.0, hollow=hollow)
