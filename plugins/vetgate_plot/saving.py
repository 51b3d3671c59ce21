"""A figure as a file of its own: the same figure gives the same bytes, with the same version of matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 100
"""Pixels an inch by which labels find their places."""
SHARP = 160
"""The same of a PNG."""


def measuring(width: float, height: float) -> Figure:
    """Return an empty figure that can measure its labels, also where it becomes an SVG.

    Args:
        width: Inches.
        height: Inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS)
    FigureCanvasAgg(figure)
    return figure


def saved(figure: Figure, form: Literal["svg", "png"], *, title: str, description: str = "") -> bytes:
    """Return a figure as the bytes of a file, without a date; call it within `styled`."""
    metadata: dict[str, str | None] = {"Title": title}
    if description:
        metadata["Description"] = description
    if form == "svg":
        metadata["Date"] = None
    file = io.BytesIO()
    figure.savefig(file, format=form, dpi=SHARP, metadata=metadata)
    return file.getvalue()
