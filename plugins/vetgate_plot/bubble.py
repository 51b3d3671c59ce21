"""The bubble chart of Arı and Çamlı, figures 6 and 7: time, accuracy and size of every model in one picture.

Both axes are logarithmic (that of accuracy in the error rate), so that a step to the left and the same step upwards are
worth the same OpScore. The Pareto front is marked by filled bubbles and a line, not by colour alone. The reference has
a ring over all bubbles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from vetgate.reporting import Box, Disc, Ranking, Standing, place, plain, short_names, shorten
from vetgate_plot.axis import Axis, axis_of
from vetgate_plot.inline import KIND
from vetgate_plot.palette import BLUE, INK, ORANGE, PALE, PAPER, RULE
from vetgate_plot.saving import DOTS, measuring
from vetgate_plot.words import figure, marked, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRONT, BEHIND = BLUE, ORANGE
LARGEST = 1000.0
"""Points^2 of the largest bubble."""
LEAST = 3.0
"""Points^2 of a bubble too small to be seen otherwise; its true area would be less."""
RING = 4.0
"""Points between the reference's bubble and its ring."""
SPINES = {"axes.spines.top": False, "axes.spines.right": False}
"""Further settings of the style."""


@dataclass(frozen=True)
class Format:
    """How large a chart is, and how much it says itself."""

    width: float
    height: float
    """Inches."""
    axes: tuple[float, float, float, float]
    """Left, lower end, width and height in shares of it."""
    text: float
    """Points of the names' size."""
    longest: int
    """Characters of a name."""
    largest: float = LARGEST
    most: int = 1000
    """Models that have their names beside them, the best."""
    detailed: int = 1000
    """Models up to which size and score stand below each name."""
    alone: bool = True
    """Whether it says itself what it shows; else the page around it does."""
    ticks: int = 9


FILE = Format(12.0, 8.0, (0.08, 0.135, 0.9, 0.755), 8.0, 30)
PAGE = Format(
    380 / 72, 380 / 72, (0.165, 0.13, 0.825, 0.85), 11.0, 24, largest=700.0, most=8, detailed=6, alone=False, ticks=4
)
"""As wide as a telephone."""


def draw(ranking: Ranking, form: Format = FILE) -> Figure:
    """Return the chart of a ranking with at least one row; call it within `styled(SPINES)`."""
    chart = measuring(form.width, form.height)
    axes = chart.add_axes(form.axes)
    across, along = axis_of([row.seconds for row in ranking.rows]), axis_of([row.error for row in ranking.rows], 1.0)
    _frame(axes, across, along, form)
    areas = _areas(ranking.rows, form.largest)
    _front(axes, ranking.rows)
    for row, area in sorted(zip(ranking.rows, areas, strict=True), key=lambda drawn: -drawn[1]):  # small ones on top
        axes.scatter(
            [math.log10(row.seconds)],
            [-math.log10(row.error)],
            s=area,
            facecolors=FRONT if row.front else "none",
            alpha=0.75 if row.front else 1.0,
            edgecolors=INK if row.front else BEHIND,
            linewidths=1.0 if row.front else 1.8,
            zorder=3,
            gid=None if form.alone else f"{KIND}point {'front' if row.front else 'behind'}",
        )
        if row.reference:
            _ring(axes, row, area, form)
    _label(chart, axes, ranking.rows, areas, form)
    if form.alone:
        _words(chart, ranking)
    return chart


def _ring(axes: Axes, row: Standing, area: float, form: Format) -> None:
    """Draw a dashed ring around the reference's bubble, on a white one, over all bubbles."""
    across = 2 * (math.sqrt(area / math.pi) + RING)
    for colour, width, dashes in ((PAPER, 4.0, "-"), (INK, 2.0, "--")):
        axes.scatter(
            [math.log10(row.seconds)],
            [-math.log10(row.error)],
            s=across**2 * math.pi / 4,
            facecolors="none",
            edgecolors=colour,
            linewidths=width,
            linestyles=dashes,
            zorder=4,
            gid="reference" if form.alone else f"{KIND}reference",
        )


def _areas(rows: Sequence[Standing], greatest: float) -> list[float]:
    largest = max(row.megabytes for row in rows)
    return [max(greatest * row.megabytes / largest, LEAST) for row in rows]


def _frame(axes: Axes, across: Axis, along: Axis, form: Format) -> None:
    axes.set_xlim(across.low, across.high)
    axes.set_ylim(-along.high, -along.low)
    sides, ups = ([*axis.ticks[:: math.ceil(len(axis.ticks) / form.ticks)]] for axis in (across, along))
    axes.set_xticks([math.log10(tick) for tick in sides], [f"{tick:g}" for tick in sides])
    axes.set_yticks([-math.log10(tick) for tick in ups], [f"{100 * (1 - tick):.6g} %" for tick in ups])
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    if form.alone:
        axes.set_xlabel("seconds for 10,000 images (logarithmic; left is better)")
        axes.set_ylabel("top-1 accuracy (logarithmic in the error rate; up is better)")
    else:
        axes.set_xlabel("seconds for 10,000 images (left is better)", fontsize=form.text, color=INK)
        axes.set_ylabel("top-1 accuracy (up is better)", fontsize=form.text, color=INK)
        axes.tick_params(labelsize=form.text, labelcolor=PALE)


def _front(axes: Axes, rows: Sequence[Standing]) -> None:
    """Draw the front as a line through its models, by time."""
    front = sorted((row for row in rows if row.front), key=lambda row: (row.seconds, row.error))
    xs, ys = [math.log10(row.seconds) for row in front], [-math.log10(row.error) for row in front]
    axes.plot(xs, ys, color=FRONT, linewidth=1.0, linestyle=":", zorder=2)


def _label(chart: Figure, axes: Axes, every: Sequence[Standing], every_area: Sequence[float], form: Format) -> None:
    """Write every model's name, size and score beside its bubble, none over another."""
    texts = _texts(every, form)
    order = sorted(range(len(every)), key=lambda index: index not in texts)  # those with names come first
    rows, areas = [every[index] for index in order], [every_area[index] for index in order]
    paper = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.7, "pad": 1.0}  # the front may pass below
    written = [
        axes.text(0, 0, texts[index], fontsize=form.text, color=INK, linespacing=1.15, zorder=5, bbox=paper)
        for index in order[: len(texts)]
    ]
    canvas: Any = chart.canvas
    extents = [text.get_window_extent(canvas.get_renderer()) for text in written]
    discs = []
    for row, area in zip(rows, areas, strict=True):
        x, y = axes.transData.transform((math.log10(row.seconds), -math.log10(row.error)))
        radius = math.sqrt(area / math.pi) + (RING if row.reference else 0.0)
        discs.append(Disc(float(x), float(y), radius * DOTS / 72))
    inside = axes.get_window_extent()
    frame = Box(inside.x0 + 3, inside.y0 + 3, inside.width - 6, inside.height - 6)
    front = sorted((disc.x, disc.y) for disc, row in zip(discs, rows, strict=True) if row.front)
    boxes = place(discs, [(extent.width, extent.height) for extent in extents], frame, list(pairwise(front)))
    back = axes.transData.inverted()
    for text, box, disc in zip(written, boxes, discs, strict=False):
        x, y = back.transform((box.x, box.y))
        text.set_position((float(x), float(y)))
        text.set_verticalalignment("bottom")
        _join(axes, box, disc)


def _texts(rows: Sequence[Standing], form: Format) -> dict[int, str]:
    """Return what stands beside each model that is named: the best ones, and always the reference."""
    names = short_names([row.name for row in rows])
    files = [name.rpartition("/")[2] for name in names]
    short = [shorten(name, form.longest) for name in (names if form.alone or len({*files}) < len(files) else files)]
    named = [index for index, row in enumerate(rows) if index < form.most or row.reference]
    detailed = len(rows) <= form.detailed
    return {
        index: marked(rows[index], short[index])
        + (f"\n{figure(rows[index].megabytes)} MB · {number(rows[index].score)}" if detailed else "")
        for index in named
    }


def _join(axes: Axes, box: Box, disc: Disc) -> None:
    """Draw a line from a label to the middle of its bubble; where bubbles overlap nothing else tells them apart."""
    ends = axes.transData.inverted().transform([box.nearest(disc.x, disc.y), (disc.x, disc.y)])
    axes.plot(ends[:, 0], ends[:, 1], color=INK, linewidth=0.6, zorder=4.5)
    axes.plot(ends[1:, 0], ends[1:, 1], color=INK, marker="o", markersize=2.5, zorder=4.5)


def _words(chart: Figure, ranking: Ranking) -> None:
    data = f"{shorten(plain(ranking.data), 50)}, {ranking.images:,} images · {shorten(plain(ranking.machine), 80)}"
    chart.text(0.08, 0.95, "Accuracy, time and size", fontsize=13, weight="bold", color=INK)
    chart.text(0.08, 0.915, data, fontsize=8.5, color=PALE)
    chart.text(
        0.08,
        0.045,
        "Area of a bubble: size; beside each model its MB and OpScore (lower is better). Filled, dotted line: Pareto "
        "front. Dashed ring: reference.",
        fontsize=8,
        color=PALE,
    )
    if ranking.unranked:
        names = shorten(", ".join(plain(item.name) for item in ranking.unranked), 110)
        chart.text(0.08, 0.02, f"Not measured: {names}", fontsize=8, color=PALE)
