"""The deviation table as a picture: what each variant lost in accuracy, beside how far it is as a function.

One row a model, grouped by family, on two axes: points of accuracy gained or lost, and the distance in distances of
independently trained models, whose bracket is a band; each with its one-sided 95 % bounds. Both axes are logarithmic
(that of accuracy around 0 linear), for a float16 copy and a broken model are many decades apart. What became of the
function is told by shape and colour together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from vetgate_plot.palette import BLUE, GREEN, INK, PALE, VERMILION
from vetgate_plot.saving import measuring, saved
from vetgate_plot.style import styled

from vetgate.reporting import Bracket, Deviation, Deviations, Fate, Inconclusive, Of, Study, bounds, deviations, plain
from vetgate_charts.study_row import Row, multiple
from vetgate_charts.study_row import rows as rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND = "#F3D9C4"
SHAPES = {
    Fate.SAME: ("o", BLUE),
    Fate.CHANGED: ("s", GREEN),
    Fate.FAR: ("D", VERMILION),
    Fate.DAMAGED: ("X", INK),
    Fate.OPEN: ("o", "#999999"),
}
"""Marker and colour of what became of a model."""
DELTA = ("accuracy.top1", Of.DELTA)
INDEPENDENCE = ("similarity.independence", Of.PAIR)
LINEAR = 0.1
"""Points of accuracy around 0 that are drawn to a linear scale: about what a handful of images make."""
LEAST = 1e-6
"""Multiples of an independent's distance that are drawn apart; smaller ones stand on the edge."""
ROW, WIDTH = 0.235, 11.0
"""Inches."""


class StudyPicture:
    """Draws a study. Pure: the same study gives the same bytes, with the same version of matplotlib.

    Args:
        form: Of the file.
    """

    def __init__(self, form: Literal["svg", "png"]) -> None:
        self.form = form

    def draw(self, document: Study) -> bytes:
        """Return the picture.

        Raises:
            Inconclusive: No variant was measured.
        """
        found = deviations(document)
        if not found.measured:
            raise Inconclusive("there is nothing to draw: no variant was measured")
        with styled():
            return saved(draw(document, found), self.form, title="Deviation")


def draw(study: Study, found: Deviations) -> Figure:
    """Return the chart of a study of which at least one variant was measured."""
    rows = list(rows_of(found))
    head, foot = 0.95, 0.85
    height = head + foot + ROW * len(rows)
    chart = measuring(WIDTH, height)
    floor, tall = foot / height, ROW * len(rows) / height
    sides = [(0.235, 0.29), (0.6, 0.325)] if found.bracket is not None else [(0.235, 0.68)]
    panels = [chart.add_axes((left, floor, wide, tall)) for left, wide in sides]
    for axes in panels:
        _frame(axes, rows)
    _names(panels[0], rows)
    _accuracy(panels[0], rows)
    if found.bracket is not None:
        _function(panels[1], rows, found.bracket)
    _words(chart, study, height)
    _legend(chart, rows, height)
    return chart


def _frame(axes: Axes, rows: Sequence[Row]) -> None:
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks([])
    axes.tick_params(axis="x", labelsize=8, colors=PALE, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#BBBBBB")
    for at, row in enumerate(rows):
        if row.deviation is not None:
            axes.axhline(at, color="#F0F0F0", linewidth=0.8, zorder=0)


def _names(axes: Axes, rows: Sequence[Row]) -> None:
    from matplotlib.transforms import blended_transform_factory

    across = blended_transform_factory(axes.figure.transFigure, axes.transData)
    for at, row in enumerate(rows):
        weight, indent = ("bold", 0.02) if row.deviation is None else ("normal", 0.03)
        axes.text(indent, at, row.label, transform=across, va="center", fontsize=8.5, weight=weight, color=INK)


def _accuracy(axes: Axes, rows: Sequence[Row]) -> None:
    """Draw points of accuracy beside the reference's, with bounds."""
    axes.set_xscale("symlog", linthresh=LINEAR, linscale=0.5)
    deltas = [row.deviation.figures.get(DELTA) for row in rows if row.deviation]
    values = [100 * end for figure in deltas if figure for end in (bounds(figure) or (figure.value,))]
    low, high = min([-1.0, *values]), max([0.5, *values])
    axes.set_xlim(1.4 * low, 1.4 * high)
    ticks = [tick for tick in (-100, -10, -1, -0.1, 0, 0.1, 1, 10) if 1.4 * low <= tick <= 1.4 * high]
    axes.set_xticks(ticks, [f"{tick:+g}" if tick else "0" for tick in ticks])
    axes.minorticks_off()
    axes.axvline(0, color=PALE, linewidth=0.9, zorder=1)
    axes.set_xlabel("accuracy beside the reference's, points", fontsize=9, color=INK)
    for at, row in enumerate(rows):
        figure = row.deviation.figures.get(DELTA) if row.deviation else None
        if row.deviation is None or figure is None:
            continue
        ends = bounds(figure)
        if ends is not None:
            axes.plot([100 * end for end in ends], [at, at], color=_colour(row.deviation), linewidth=1.6, zorder=2)
        _dot(axes, 100 * figure.value, at, row.deviation, f"{100 * figure.value:+.2f}")


def _function(axes: Axes, rows: Sequence[Row], bracket: Bracket) -> None:
    """Draw distances as multiples of the independents' median, and what these span."""
    found = [row.deviation.independence for row in rows if row.deviation and row.deviation.independence is not None]
    shown = [max(value, LEAST) for value in found]
    ends = [pair for row in rows if row.deviation and (pair := _ends(row.deviation)) is not None]
    low, high = min([0.1, *shown]), max([2.0, *shown, *(upper for _, upper in ends)])
    axes.set_xscale("log")
    axes.set_xlim(low / 2, high * 2)
    axes.minorticks_off()
    decades = range(math.ceil(math.log10(low / 2)), math.floor(math.log10(high * 2)) + 1)
    axes.set_xticks([10.0**decade for decade in decades], [f"{10.0**decade:g}" for decade in decades])
    axes.axvspan(bracket.low, bracket.high, color=BAND, zorder=0.5)
    axes.axvline(1.0, color=VERMILION, linewidth=0.9, zorder=1)
    axes.set_xlabel("distance, in distances of independent models", fontsize=9, color=INK)
    for at, row in enumerate(rows):
        value = row.deviation.independence if row.deviation else None
        if row.deviation is not None and value is not None:
            pair = _ends(row.deviation)
            if pair is not None:
                span = [max(end, low / 2) for end in pair]  # a bound may be 0, which a logarithm has no place for
                axes.plot(span, [at, at], color=_colour(row.deviation), linewidth=1.6, zorder=2)
            _dot(axes, max(value, LEAST), at, row.deviation, multiple(value))


def _ends(model: Deviation) -> tuple[float, float] | None:
    """Return the bounds of a model's distance; None where it has none."""
    figure = model.figures.get(INDEPENDENCE)
    return bounds(figure) if figure is not None else None


def _dot(axes: Axes, across: float, at: int, model: Deviation, words: str) -> None:
    shape, colour = SHAPES[model.fate]
    hollow = model.variant is None
    axes.scatter(
        [across], [at], s=38, marker=shape, facecolors="white" if hollow else colour, edgecolors=colour, zorder=3
    )
    beside = axes.get_yaxis_transform()
    axes.text(1.13, at, words, transform=beside, va="center", ha="right", fontsize=8, color=INK)


def _colour(model: Deviation) -> str:
    return SHAPES[model.fate][1]


def _words(chart: Figure, study: Study, height: float) -> None:
    data = study.data
    chart.text(0.02, 1 - 0.28 / height, "Deviation", fontsize=14, weight="bold", color=INK)
    about = plain(
        f"{study.reference.name} compressed · {data.name} · {data.images:,} images · lines: one-sided 95 % bounds"
    )
    chart.text(0.02, 1 - 0.5 / height, about, fontsize=9, color=PALE)


def _legend(chart: Figure, rows: Sequence[Row], height: float) -> None:
    from matplotlib.lines import Line2D

    there = {row.deviation.fate for row in rows if row.deviation is not None}
    handles = [
        Line2D([], [], linestyle="none", marker=shape, color=colour, markersize=6, label=fate.value)
        for fate, (shape, colour) in SHAPES.items()
        if fate in there
    ]
    if any(row.deviation is not None and row.deviation.variant is None for row in rows):
        hollow = Line2D([], [], linestyle="none", marker="D", markerfacecolor="white", color=VERMILION, markersize=6)
        hollow.set_label("trained independently")
        handles.append(hollow)
    chart.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.015, 1 - 0.58 / height),
        ncols=len(handles),
        frameon=False,
        fontsize=8.5,
        handletextpad=0.2,
        columnspacing=1.2,
    )
