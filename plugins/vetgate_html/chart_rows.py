"""The rows of a table as its chart needs them: names, numbers, and these printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

from vetgate_plot.series import LOOKS

from vetgate.reporting import Chart, Table, Unit, format_quantity

Cell: TypeAlias = str | float | int | None
Row: TypeAlias = tuple[Cell, ...]


MOST_READ = 5_000
"""Rows of a table that a chart looks at."""


@dataclass(frozen=True)
class Rows:
    """A table beside its chart; columns are found by their titles, the first of equal ones."""

    table: Table
    chart: Chart

    @property
    def all(self) -> list[Row]:
        """Return the rows, each as long as the head; of very many the first."""
        width = len(self.table.columns)
        return [(*row[:width], *[None] * (width - len(row))) for row in self.table.rows[:MOST_READ]]

    @property
    def unread(self) -> int:
        """Return how many rows there are beyond those."""
        return max(len(self.table.rows) - MOST_READ, 0)

    @property
    def columns_left_out(self) -> str:
        """Return a line that says how many columns of values are not drawn; empty where all are."""
        count = len(self.chart.values)
        return f"{len(LOOKS)} of {count:,} columns are drawn." if count > len(LOOKS) else ""

    def cell(self, row: Row, title: str) -> Cell:
        """Return what stands in a column."""
        return row[self.table.columns.index(title)]

    def text(self, row: Row, title: str) -> str:
        """Return the same as text."""
        value = self.cell(row, title)
        if isinstance(value, str):
            return value
        return format_quantity(value, Unit.COUNT if isinstance(value, int) else Unit.SCORE)

    def values(self, row: Row) -> list[Cell]:
        """Return what stands in the columns of values."""
        return [self.cell(row, title) for title in self.chart.values]

    def figure(self, value: float) -> str:
        """Return a value as it is printed."""
        unit = Unit.COUNT if isinstance(value, int) and self.chart.unit is Unit.SCORE else self.chart.unit
        return format_quantity(value, unit, signed=self.chart.signed)


def numbers(values: Iterable[Cell]) -> list[float]:
    """Return what among cells are numbers."""
    return [value for value in values if is_number(value)]


def is_number(value: Cell) -> TypeGuard[float]:
    """Return whether a cell is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
