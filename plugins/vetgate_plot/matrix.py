"""A table of numbers as squares: the greater the number, the larger; filled above 0, hollow below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vetgate_plot.palette import BLUE, PALE, RULE, VERMILION
from vetgate_plot.sheet import SMALL, TEXT, WIDTH, Sheet, fitted, reach

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST = 34.0
"""Units of a cell at most."""
NAMES = 110.0
"""Units for names at the left and at the top, at most."""


@dataclass(frozen=True)
class Cell:
    """One number."""

    down: int
    across: int
    value: float
    text: str


def matrix(
    cells: Sequence[Cell], down: Sequence[str], across: Sequence[str], *, axes: tuple[str, str], note: str = ""
) -> Figure:
    """Return the chart.

    Args:
        cells: At least one.
        down: Names of the rows.
        across: Names of the columns.
        axes: What rows and columns are.
        note: A line below.
    """
    left, head = (min(max(reach(name, SMALL) for name in names) + 6.0, NAMES) for names in (down, across))
    head = max(head, 40.0)
    cell = min((WIDTH - left) / len(across), LARGEST)
    top = 48.0 + head
    sheet = Sheet(top + cell * len(down) + (22.0 if note else 6.0))
    _legend(sheet, cells, axes)
    for place, name in enumerate(across):
        x = left + (place + 0.5) * cell
        sheet.words(x + 3.5, top - 5.0, fitted(name, head - 6.0, SMALL), "column", size=SMALL, turned=True)
        sheet.line([(x, top), (x, top + cell * len(down))], "grid", colour=RULE)
    for place, name in enumerate(down):
        y = top + (place + 0.5) * cell
        sheet.words(left - 5.0, y + 4.0, fitted(name, left - 6.0, SMALL), "row", size=SMALL, side="right")
        sheet.line([(left, y), (left + cell * len(across), y)], "grid", colour=RULE)
    largest = max(abs(one.value) for one in cells)
    for one in cells:
        _draw(sheet, one, left + (one.across + 0.5) * cell, top + (one.down + 0.5) * cell, cell, largest)
    sheet.note(note)
    return sheet.figure


def _draw(sheet: Sheet, one: Cell, x: float, y: float, cell: float, largest: float) -> None:
    share = abs(one.value) / largest if largest else 0.0
    if one.value:
        half = max(0.46 * cell * math.sqrt(share), 1.5)
        kind, colour = ("more", VERMILION) if one.value > 0 else ("fewer", BLUE)
        sheet.bar(x - half, y - half, x + half, y + half, f"cell {kind}", colour=colour, hollow=one.value < 0)


def _legend(sheet: Sheet, cells: Sequence[Cell], axes: tuple[str, str]) -> None:
    left = 0.0
    greatest = max(cells, key=lambda cell: cell.value)
    least = min(cells, key=lambda cell: cell.value)
    for one, words, colour in ((greatest, "above 0", VERMILION), (least, "below 0", BLUE)):
        if (one.value > 0) == (words == "above 0") and one.value:
            text = f"{words}, the largest {one.text}"
            sheet.bar(left, 4.0, left + 12.0, 16.0, "swatch", colour=colour, hollow=one.value < 0)
            sheet.words(left + 17.0, 4.0 + TEXT - 2.0, text, "legend", size=SMALL)
            left += 35.0 + reach(text, SMALL)
    told = f"down: {axes[0]} · across: {axes[1]}"
    sheet.words(0.0, 34.0, fitted(told, WIDTH, SMALL), "axis", size=SMALL, colour=PALE)
