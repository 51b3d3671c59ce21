"""A sheet to draw on, in units from its upper left corner: as wide as a telephone, so that text stays legible.

A page shows it about as wide as it is, on a telephone and in a column of a wide screen; sizes of text are about pixels.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from vetgate.reporting import plain, shorten
from vetgate_plot.inline import KIND
from vetgate_plot.palette import INK, PALE, PAPER

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

WIDTH = 380.0
"""Units across."""
TEXT, SMALL = 12.5, 11.0
"""Sizes of text."""
_INCH = 72
"""Units: those of an SVG."""
_WIDE, _NARROW = 1.05, 0.56
"""Width of a character, in sizes of text; fonts differ, so it is a generous mean."""
Side = Literal["left", "center", "right"]
Shape = Literal["o", "s", "D", "^", "X", "*", "P", "v"]


class Sheet:
    """A drawing to which marks are added.

    Args:
        height: Units.
    """

    def __init__(self, height: float) -> None:
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D

        self.height = height
        self.figure: Figure = Figure(figsize=(WIDTH / _INCH, height / _INCH), dpi=_INCH)
        self._downwards = Affine2D().scale(1.0, -1.0).translate(0.0, height)
        self._added = 0

    def _above(self) -> int:
        """Return the layer of the next mark: over all that are there."""
        self._added += 1
        return self._added

    def words(
        self,
        x: float,
        y: float,
        text: str,
        kind: str = "label",
        *,
        size: float = TEXT,
        colour: str = INK,
        side: Side = "left",
        bold: bool = False,
        turned: bool = False,
    ) -> None:
        """Write a line of text.

        Args:
            x: Its left end, middle or right end.
            y: Its base line.
            text: Harmless already.
            kind: Class of the mark.
            size: Of the text.
            colour: Of the text.
            side: What of it stands at x.
            bold: Whether it is.
            turned: Whether it runs upwards, from (x, y).
        """
        self.figure.text(
            x,
            y,
            text,
            transform=self._downwards,
            fontproperties=_font(size, bold),
            color=colour,
            ha=side,
            va="baseline",
            rotation=90 if turned else 0,
            rotation_mode="anchor",
            parse_math=False,
            zorder=self._above(),
            gid=KIND + kind,
        )

    def note(self, text: str) -> None:
        """Write a line at the bottom, where there is one."""
        if text:
            self.words(0.0, self.height - 6.0, fitted(text, WIDTH, SMALL), "note", size=SMALL, colour=PALE)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        kind: str = "line",
        *,
        colour: str = INK,
        width: float = 1.0,
        dashes: Literal["-", "--", ":"] = "-",
    ) -> None:
        """Draw a line through points."""
        from matplotlib.lines import Line2D

        across, along = zip(*points, strict=True)
        drawn = Line2D(
            across, along, color=colour, linewidth=width, linestyle=dashes, zorder=self._above(), gid=KIND + kind
        )
        drawn.set_solid_capstyle("butt")
        drawn.set_transform(self._downwards)
        self.figure.add_artist(drawn)

    def bar(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        kind: str = "bar",
        *,
        colour: str,
        hollow: bool = False,
    ) -> None:
        """Draw a rectangle; a hollow one has an outline in its colour."""
        from matplotlib.patches import Rectangle

        inset = 0.75 if hollow else 0.0
        wide, high = max(right - left - 2 * inset, 0.0), max(bottom - top - 2 * inset, 0.0)
        self.figure.add_artist(
            Rectangle(
                (left + inset, top + inset),
                wide,
                high,
                facecolor=PAPER if hollow else colour,
                edgecolor=colour if hollow else "none",
                linewidth=2 * inset,
                transform=self._downwards,
                zorder=self._above(),
                gid=KIND + kind,
            )
        )

    def mark(
        self,
        x: float,
        y: float,
        shape: Shape,
        kind: str = "point",
        *,
        colour: str,
        area: float = 60.0,
        hollow: bool = False,
    ) -> None:
        """Draw a point.

        Args:
            x: Of its middle.
            y: Of its middle.
            shape: As matplotlib names it.
            kind: Class of the mark.
            colour: Of its fill; of its outline where it is hollow.
            area: Square units.
            hollow: Whether it is.
        """
        from matplotlib.lines import Line2D

        drawn = Line2D(
            [x],
            [y],
            linestyle="none",
            marker=shape,
            markersize=math.sqrt(area),
            markerfacecolor=PAPER if hollow else colour,
            markeredgecolor=colour if hollow else PAPER,
            markeredgewidth=1.5 if hollow else 0.8,
            zorder=self._above(),
            gid=KIND + kind,
        )
        drawn.set_transform(self._downwards)
        self.figure.add_artist(drawn)


@lru_cache(maxsize=16)
def _font(size: float, bold: bool) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=size, weight="bold" if bold else "normal")


def reach(text: str, size: float = TEXT) -> float:
    """Return about how wide a text is, in units."""
    return size * sum(_WIDE if unicodedata.east_asian_width(char) in "WF" else _NARROW for char in text)


def fitted(text: str, width: float, size: float = TEXT) -> str:
    """Return an untrusted text, harmless, and short enough for a width."""
    clean = shorten(plain(shorten(text, 200)), 200)
    if reach(clean, size) <= width:
        return clean
    most = min(len(clean), max(2, int(width / (_NARROW * size))))
    while most > 2 and reach(shorten(clean, most), size) > width:
        most -= 1
    return shorten(clean, most)
