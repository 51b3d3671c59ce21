"""Names beside the points of a square, none over another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from vetgate_plot.palette import INK, PALE

from vetgate.reporting import Box, Disc, place
from vetgate_landscape.cast import Cast
from vetgate_landscape.mark import Mark
from vetgate_landscape.panel import Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAP = 16.0
"""Pixels from the reference within which a point lies on it."""
BESIDE = 9.0
"""Pixels from a point to its name within which no line joins them, where no other point is as near."""

LONGEST = 0.18
"""Of a square's side: a line that would be longer gives way, with its name, where another square names the point."""
MOST = 30
"""Names in a square of t-SNE; with more, those have none that a later square names."""

Array = NDArray[np.float64]


def write_names(chart: Figure, axes: Axes, panel: Panel, cast: Cast, ways: Sequence[Array]) -> None:
    """Write the names of the points that no later square magnifies.

    Args:
        chart: With a canvas that measures text.
        axes: Of the square, its limits set.
        panel: The square.
        cast: What is known of the points.
        ways: (K, 2) each, lines that names had better not hide.
    """
    dots = chart.dpi / 72
    pixels = axes.transData.transform(panel.points)
    spots = [_disc(pixel, cast.marks[member], dots) for pixel, member in zip(pixels, panel.members, strict=True)]
    named = [row for row in range(len(spots)) if _is_named(panel, row, pixels, cast)]
    rest = [row for row in range(len(spots)) if row not in named]
    written = [axes.text(0, 0, cast.labels[panel.members[row]], fontsize=8, color=INK, zorder=6) for row in named]
    canvas: Any = chart.canvas
    extents = [text.get_window_extent(canvas.get_renderer()) for text in written]
    bounds = axes.get_window_extent()
    frame = Box(bounds.x0 + 4, bounds.y0 + 4, bounds.width - 8, bounds.height - 8)
    discs = [spots[row] for row in (*named, *rest)]
    boxes = place(discs, [(extent.width, extent.height) for extent in extents], frame, _segments(axes, ways))
    back = axes.transData.inverted()
    for index, (text, box) in enumerate(zip(written, boxes, strict=True)):
        x, y = back.transform((box.x, box.y))
        text.set_position((float(x), float(y)))
        text.set_verticalalignment("bottom")
        if panel.again and _away(box, discs[index]) > LONGEST * bounds.width:
            text.remove()
        elif not _is_beside(box, discs, index):
            _join(axes, box, discs[index])


def _is_named(panel: Panel, row: int, pixels: Array, cast: Cast) -> bool:
    """Return whether a point has a name, and has it in this square.

    Those that a later square magnifies have it there, for the reference marks their place here; a t-SNE spreads them,
    and leaves out those alone that lie on the reference, unless there are too many.
    """
    member = panel.members[row]
    if not cast.labels[member]:
        return False
    if member == cast.reference or member not in panel.next or cast.reference is None:
        return True
    middle = pixels[panel.members.index(cast.reference)]
    room = not panel.true and sum(bool(cast.labels[one]) for one in panel.members) <= MOST
    return room and math.dist(pixels[row], middle) >= HEAP


def _disc(pixel: Array, mark: Mark, dots: float) -> Disc:
    return Disc(float(pixel[0]), float(pixel[1]), math.sqrt(mark.area / math.pi) * dots)


def _segments(axes: Axes, ways: Sequence[Array]) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return lines in pixels."""
    pixels = [axes.transData.transform(way).tolist() for way in ways]
    return [((one[0], one[1]), (other[0], other[1])) for way in pixels for one, other in pairwise(way)]


def _away(box: Box, disc: Disc) -> float:
    return math.dist(box.nearest(disc.x, disc.y), (disc.x, disc.y))


def _is_beside(box: Box, discs: Sequence[Disc], own: int) -> bool:
    """Return whether nobody can mistake whose name it is."""
    away = [_away(box, disc) - disc.radius for disc in discs]
    rivals = (distance for index, distance in enumerate(away) if index != own)
    return away[own] <= BESIDE and all(distance > 2 * max(away[own], 0.0) for distance in rivals)


def _join(axes: Axes, box: Box, disc: Disc) -> None:
    """Draw a line from a name to its point."""
    ends = axes.transData.inverted().transform([box.nearest(disc.x, disc.y), (disc.x, disc.y)])
    axes.plot(ends[:, 0], ends[:, 1], color=PALE, linewidth=0.6, zorder=2.5)
