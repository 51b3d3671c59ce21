"""Where squares, legend and notes of a picture stand on the page, in inches. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

MARGIN = 0.3
LINE = 0.2
"""Height of a line of notes."""
SIDE, ALONE = 5.5, 7.0
"""Of a square, and of one that is alone."""
_BETWEEN, _TITLES, _TOP, _ENTRY = 0.35, 0.65, 0.75, 0.27
_COLUMNS = {1: 4, 2: 6}
"""Entries of a line of the legend, by squares side by side."""


@dataclass(frozen=True)
class Page:
    """One page; what it gives is in fractions of it, from the lower left corner, as matplotlib has it."""

    width: float
    height: float
    side: float
    abreast: int
    columns: int
    """Of the legend."""
    legend: tuple[float, float]
    """Its upper left corner."""

    @classmethod
    def of(cls, squares: int, entries: int, notes: int) -> Self:
        """Return the page for so many squares, entries of the legend and lines of notes.

        Where squares leave a place free, the legend takes it.
        """
        abreast = min(2, squares)
        side = ALONE if abreast == 1 else SIDE
        rows = math.ceil(squares / abreast)
        free = squares % abreast != 0
        columns = 1 if free else _COLUMNS[abreast]
        foot = 0.0 if free else _ENTRY * math.ceil(entries / columns) + 0.2
        width = 2 * MARGIN + abreast * side + (abreast - 1) * _BETWEEN
        squares_end = _TOP + rows * (_TITLES + side)
        height = squares_end + 0.3 + foot + notes * LINE + MARGIN
        down = squares_end - side if free else squares_end + 0.2
        across = MARGIN + (side + _BETWEEN if free else 0.0)
        return cls(width, height, side, abreast, columns, (across / width, 1 - down / height))

    def square(self, index: int) -> tuple[float, float, float, float]:
        """Return left, bottom, width and height of a square."""
        row, column = divmod(index, self.abreast)
        left = MARGIN + column * (self.side + _BETWEEN)
        end = _TOP + (row + 1) * (_TITLES + self.side)
        return self.across(left), self.down(end), self.side / self.width, self.side / self.height

    def across(self, inches: float) -> float:
        """Return the place so many inches from the left."""
        return inches / self.width

    def down(self, inches: float) -> float:
        """Return the place so many inches from the top."""
        return 1 - inches / self.height
