"""The picture: one point a model, near where models answer alike.

Panels without axes, for a unit of t-SNE or of scaling means nothing; both directions have one scale, for only
distances mean something. What piles up around the reference is magnified in panels of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from vetgate_plot.palette import INK, PALE
from vetgate_plot.saving import measuring, saved
from vetgate_plot.style import styled

from vetgate.reporting import Inconclusive, Landscape
from vetgate_landscape.cast import Cast, cast_of
from vetgate_landscape.mark import THREAD, Mark
from vetgate_landscape.name import write_names
from vetgate_landscape.page import LINE, MARGIN, Page
from vetgate_landscape.panel import Panel, panels_of
from vetgate_landscape.words import (
    TITLE,
    WARNING,
    caption,
    flattened,
    remarks,
    setting,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


class LandscapePicture:
    """Draws a landscape. Pure: the same landscape gives the same bytes, with the same version of matplotlib.

    Args:
        form: Of the file.
    """

    def __init__(self, form: Literal["svg", "png"]) -> None:
        self.form = form

    def draw(self, document: Landscape) -> bytes:
        """Return the picture.

        Raises:
            Inconclusive: The landscape holds no coordinates.
        """
        if not document.embeddings:
            raise Inconclusive("there is nothing to draw: the landscape holds distances, but no coordinates")
        with styled():
            return saved(draw(document), self.form, title=TITLE, description=_description(document))


def draw(landscape: Landscape) -> Figure:
    """Return the chart of a landscape with at least one embedding."""
    panels = panels_of(landscape)
    cast = cast_of(landscape)
    entries, notes = list(dict.fromkeys(cast.marks)), _notes(landscape, panels)
    page = Page.of(len(panels), len(entries), len(notes))
    chart = measuring(page.width, page.height)
    for index, panel in enumerate(panels):
        _draw_panel(chart, page.square(index), panel, index, cast)
    _write(chart, landscape, notes, page)
    _draw_legend(chart, entries, page)
    return chart


def _draw_panel(chart: Figure, where: tuple[float, float, float, float], panel: Panel, index: int, cast: Cast) -> None:
    axes = chart.add_axes(where)
    x, y, half = panel.window
    axes.set_xlim(x - half, x + half)
    axes.set_ylim(y - half, y + half)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#BBBBBB")
    place_of = {member: row for row, member in enumerate(panel.members)}
    ways = _ways(panel, cast, place_of)
    for way in ways:
        axes.plot(*way.T, color=THREAD, linewidth=1.1, zorder=2)
    for row, (member, (left, up)) in enumerate(zip(panel.members, panel.points, strict=True)):
        _dot(axes, float(left), float(up), cast.marks[member], cast.numbers.get(member), 1e-3 * row)
    if panel.true and panel.next:
        ways.append(_ring(axes, panel, place_of, cast))
    write_names(chart, axes, panel, cast, ways)
    axes.text(0, 1.045, _letter(index), transform=axes.transAxes, fontsize=11, weight="bold", color=INK)
    axes.text(0.03, 1.045, panel.title, transform=axes.transAxes, fontsize=10, weight="bold", color=INK)
    axes.text(0.03, 1.013, panel.caption, transform=axes.transAxes, fontsize=7.5, color=PALE)


def _letter(index: int) -> str:
    return chr(ord("a") + index)


def _ways(panel: Panel, cast: Cast, place_of: dict[int, int]) -> list[Array]:
    """Return the lines (K, 2) of training runs, as far as their points are there."""
    rows = ([place_of[index] for index in members if index in place_of] for _, members in cast.runs)
    return [panel.points[found] for found in rows if found[1:]]


def _dot(axes: Axes, x: float, y: float, mark: Mark, number: int | None, above: float) -> None:
    """Draw a point, and into a checkpoint its place in its run."""
    axes.scatter(
        [x],
        [y],
        s=mark.area,
        marker=mark.shape,
        facecolors=mark.fill,
        edgecolors=mark.edge,
        linewidths=0.8,
        zorder=mark.order + above,
    )
    if number is not None:
        top = mark.order + above + 5e-4
        axes.text(x, y, str(number), fontsize=6, color=INK, ha="center", va="center_baseline", zorder=top)


def _ring(axes: Axes, panel: Panel, place_of: dict[int, int], cast: Cast) -> Array:
    """Draw a dashed circle around those that the next square magnifies, with its letter; return the circle."""
    middle = panel.points[place_of[cast.reference]] if cast.reference is not None else panel.points[0]
    near = panel.points[[place_of[member] for member in panel.next]]
    least = 0.035 * panel.window[2]
    radius = max(1.12 * float(np.hypot(*(near - middle).T).max()), least)
    turns = np.linspace(0, 2 * math.pi, 37)
    circle: Array = middle + radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    axes.plot(*circle.T, color=PALE, linewidth=0.9, linestyle=(0, (4, 2)), zorder=2.2)
    spot = middle + radius * np.asarray([0.7071, 0.7071])
    letter = _letter(panel.later)
    axes.annotate(letter, spot, (2, 1), textcoords="offset points", fontsize=10, weight="bold", color=PALE, zorder=6)
    return circle


def _notes(landscape: Landscape, panels: Sequence[Panel]) -> list[str]:
    """Return the lines below the squares."""
    shares = [(_letter(index), panel.shown) for index, panel in enumerate(panels)]
    planes = flattened([(letter, shown) for letter, shown in shares if shown is not None])
    return [*(remark for item in landscape.embeddings for remark in remarks(item)), *planes, WARNING]


def _write(chart: Figure, landscape: Landscape, notes: Sequence[str], page: Page) -> None:
    left = page.across(MARGIN)
    chart.text(left, page.down(0.42), TITLE, fontsize=14, weight="bold", color=INK)
    chart.text(left, page.down(0.67), setting(landscape), fontsize=9, color=PALE)
    for index, note in enumerate(notes):
        chart.text(
            left, page.down(page.height - MARGIN - (len(notes) - 1 - index) * LINE), note, fontsize=8.5, color=PALE
        )


def _draw_legend(chart: Figure, entries: Sequence[Mark], page: Page) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=mark.shape,
            markersize=math.sqrt(mark.area) * 0.9,
            markerfacecolor=mark.fill,
            markeredgecolor=mark.edge,
            markeredgewidth=0.8,
            label=mark.words,
        )
        for mark in entries
    ]
    chart.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=page.legend,
        ncols=page.columns,
        frameon=False,
        fontsize=9,
        handletextpad=0.3,
        columnspacing=1.4,
        labelspacing=0.7,
        borderpad=0.0,
        borderaxespad=0.0,
    )


def _description(landscape: Landscape) -> str:
    told = [setting(landscape), *(caption(embedding) for embedding in landscape.embeddings), WARNING]
    return ". ".join(line.rstrip(".") for line in told) + "."
