"""Lines over a number, each with a shape of its own at its points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vetgate_plot.palette import INK, PALE, RULE
from vetgate_plot.scale import Scale, scale_of
from vetgate_plot.series import LOOKS, legend_of
from vetgate_plot.sheet import SMALL, WIDTH, Sheet, fitted, reach

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TALL = 210.0
MOST_SHAPES = 40
"""Points of a line up to which each has its shape."""


@dataclass(frozen=True)
class Curve:
    """One line."""

    name: str
    points: tuple[tuple[float, float], ...]
    """Across and up, ascending across; at least one."""


def lines(
    curves: Sequence[Curve],
    *,
    across: str,
    along: Callable[[float], str],
    logarithmic: bool = False,
    note: str = "",
) -> Figure:
    """Return the chart.

    Args:
        curves: At least one; those beyond the sixth are not drawn.
        across: What the number is.
        along: Writes a tick of the values.
        logarithmic: Whether the axis of the values is.
        note: A line below.
    """
    drawn = curves[: len(LOOKS)]
    side = scale_of([x for curve in drawn for x, _ in curve.points])
    up = scale_of([y for curve in drawn for _, y in curve.points], logarithmic=logarithmic, room=0.08)
    names = [curve.name for curve in drawn]
    top = legend_of(names, None, 4.0, lines=True) + 6.0
    texts = [along(tick) for tick in up.ticks]
    left = max((reach(text, SMALL) for text in texts), default=0.0) + 8.0
    frame = (left, top, WIDTH - 8.0, top + TALL)
    sheet = Sheet(top + TALL + 38.0 + (16.0 if note else 0.0))
    legend_of(names, sheet, 4.0, lines=True)
    _axes(sheet, side, up, texts, frame)
    sheet.words(
        (left + WIDTH - 8.0) / 2,
        top + TALL + 32.0,
        fitted(across, WIDTH - left, SMALL),
        "axis",
        size=SMALL,
        side="center",
    )
    for curve, look in zip(drawn, LOOKS, strict=False):
        spots = [_spot(x, y, side, up, frame) for x, y in curve.points]
        if len(spots) > 1:
            sheet.line(spots, "curve", colour=look.colour, width=2.0, dashes=look.dashes)
        if len(spots) <= MOST_SHAPES:
            for x, y in spots:
                sheet.mark(x, y, look.shape, "point", colour=look.colour, area=30.0, hollow=look.hollow)
    sheet.note(note)
    return sheet.figure


def _spot(x: float, y: float, side: Scale, up: Scale, frame: tuple[float, float, float, float]) -> tuple[float, float]:
    left, top, right, bottom = frame
    return left + side.at(x) * (right - left), bottom - up.at(y) * (bottom - top)


def _axes(sheet: Sheet, side: Scale, up: Scale, texts: Sequence[str], frame: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = frame
    for tick, text in zip(up.ticks, texts, strict=True):
        along = bottom - up.at(tick) * (bottom - top)
        sheet.line([(left, along), (right, along)], "grid", colour=RULE)
        sheet.words(left - 5.0, along + 4.0, text, "tick", size=SMALL, colour=PALE, side="right")
    for tick in side.ticks:
        x = left + side.at(tick) * (right - left)
        sheet.line([(x, bottom), (x, bottom + 4.0)], "tick-mark", colour=INK)
        text = f"{tick:g}"
        over = x + reach(text, SMALL) / 2 > WIDTH
        sheet.words(
            WIDTH if over else x,
            bottom + 16.0,
            text,
            "tick",
            size=SMALL,
            colour=PALE,
            side="right" if over else "center",
        )
    sheet.line([(left, bottom), (right, bottom)], "zero", colour=INK)
