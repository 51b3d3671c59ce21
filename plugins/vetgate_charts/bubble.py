"""The bubble chart of Arı and Çamlı, figures 6 and 7: time, accuracy and size of every model in one picture.

Both axes are logarithmic (that of accuracy in the error rate), so that a step to the left and the same step upwards are
worth the same OpScore. The Pareto front is marked by filled bubbles and a line, not by colour alone; the colours are
those of M. Okabe and K. Ito for readers of any colour vision. The reference has a ring over all bubbles.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from vetgate.reporting import (
    Box,
    Disc,
    Inconclusive,
    Ranking,
    ReportSet,
    Standing,
    place,
    plain,
    rank,
    short_names,
    shorten,
)
from vetgate_charts.axis import Axis, axis_of
from vetgate_charts.row import figure, marked, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRONT, BEHIND, INK, PALE = "#0072B2", "#E69F00", "#222222", "#666666"
LARGEST = 1000.0
"""Points^2 of the largest bubble."""
LEAST = 3.0
"""Points^2 of a bubble too small to be seen otherwise; its true area would be less."""
RING = 4.0
"""Points between the reference's bubble and its ring."""
DOTS = 100
"""Pixels an inch by which labels find their places."""
SHARP = 160
"""The same of a PNG."""
_STYLE: dict[str, Any] = {
    "font.size": 9.0,
    "svg.hashsalt": "vetgate",
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


class BubbleChart:
    """Draws one bubble a model. Pure: the same reports give the same bytes, with the same version of matplotlib.

    Args:
        form: Of the file.
    """

    def __init__(self, form: Literal["svg", "png"]) -> None:
        self.form = form

    def render(self, reports: ReportSet) -> bytes:
        """Return the picture.

        Raises:
            ValueError: The reports are not comparable.
            Inconclusive: No model was measured.
        """
        import matplotlib.style

        ranking = rank(reports)
        if not ranking.rows:
            raise Inconclusive("there is nothing to draw: no candidate has accuracy, size and time")
        with matplotlib.style.context(["default", _STYLE]):
            figure_ = draw(ranking)
            file = io.BytesIO()
            metadata = {"Date": None, "Title": "OpScore"} if self.form == "svg" else {"Title": "OpScore"}
            figure_.savefig(file, format=self.form, metadata=metadata, dpi=SHARP)
        return file.getvalue()


def draw(ranking: Ranking) -> Figure:
    """Return the chart of a ranking with at least one row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    chart = Figure(figsize=(12.0, 8.0), dpi=DOTS)
    FigureCanvasAgg(chart)  # measures the labels, also those of an SVG
    axes = chart.add_axes((0.08, 0.135, 0.9, 0.755))
    across, along = axis_of([row.seconds for row in ranking.rows]), axis_of([row.error for row in ranking.rows], 1.0)
    _frame(axes, across, along)
    areas = _areas(ranking.rows)
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
        )
        if row.reference:
            _ring(axes, row, area)
    _label(chart, axes, ranking.rows, areas)
    _words(chart, ranking)
    return chart


def _ring(axes: Axes, row: Standing, area: float) -> None:
    """Draw a dashed ring around the reference's bubble, on a white one, over all bubbles."""
    across = 2 * (math.sqrt(area / math.pi) + RING)
    for colour, width, dashes in (("white", 4.0, "-"), (INK, 2.0, "--")):
        axes.scatter(
            [math.log10(row.seconds)],
            [-math.log10(row.error)],
            s=across**2 * math.pi / 4,
            facecolors="none",
            edgecolors=colour,
            linewidths=width,
            linestyles=dashes,
            zorder=4,
            gid="reference",
        )


def _areas(rows: Sequence[Standing]) -> list[float]:
    largest = max(row.megabytes for row in rows)
    return [max(LARGEST * row.megabytes / largest, LEAST) for row in rows]


def _frame(axes: Axes, across: Axis, along: Axis) -> None:
    axes.set_xlim(across.low, across.high)
    axes.set_ylim(-along.high, -along.low)
    axes.set_xticks([math.log10(tick) for tick in across.ticks], [f"{tick:g}" for tick in across.ticks])
    axes.set_yticks([-math.log10(tick) for tick in along.ticks], [f"{100 * (1 - tick):.6g} %" for tick in along.ticks])
    axes.grid(color="#E5E5E5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("seconds for 10,000 images (logarithmic; left is better)")
    axes.set_ylabel("top-1 accuracy (logarithmic in the error rate; up is better)")


def _front(axes: Axes, rows: Sequence[Standing]) -> None:
    """Draw the front as a line through its models, by time."""
    front = sorted((row for row in rows if row.front), key=lambda row: (row.seconds, row.error))
    xs, ys = [math.log10(row.seconds) for row in front], [-math.log10(row.error) for row in front]
    axes.plot(xs, ys, color=FRONT, linewidth=1.0, linestyle=":", zorder=2)


def _label(chart: Figure, axes: Axes, rows: Sequence[Standing], areas: Sequence[float]) -> None:
    """Write every model's name, size and score beside its bubble, none over another."""
    short = [shorten(name, 30) for name in short_names([row.name for row in rows])]
    names = [marked(row, name) for row, name in zip(rows, short, strict=True)]
    texts = [f"{name}\n{figure(row.megabytes)} MB · {number(row.score)}" for row, name in zip(rows, names, strict=True)]
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0}  # the front may pass below
    written = [axes.text(0, 0, text, fontsize=8, color=INK, linespacing=1.15, zorder=5, bbox=paper) for text in texts]
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
    for text, box, disc in zip(written, boxes, discs, strict=True):
        x, y = back.transform((box.x, box.y))
        text.set_position((float(x), float(y)))
        text.set_verticalalignment("bottom")
        _join(axes, box, disc)


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
