"""The study as text for people: what it found, the deviation table beside the functional distances, and why."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vetgate.reporting import Decision, Deviations, Fate, Study, deviations
from vetgate_charts.page import Page
from vetgate_charts.study_findings import Holds, claims
from vetgate_charts.study_row import (
    DEVIATION,
    FUNCTION,
    READING,
    Column,
    by_family,
    filled,
    listed,
    rows,
)
from vetgate_charts.study_words import FATES, NOTHING_TOLD, headline, left_out, legend, notes, setting

NARROWEST = 80
INDENT = 2
GAP = 2
"""Columns of text between two columns of the table."""
WIDEST_LABEL = 18
"""Columns of text of the labels."""
_STYLES = {
    Fate.SAME.value: "green",
    Fate.CHANGED.value: "yellow",
    Fate.FAR.value: "red",
    Fate.DAMAGED.value: "red",
    Decision.PASS.value: "green",
    Decision.WARN.value: "yellow",
    Decision.FAIL.value: "red",
    Decision.INCONCLUSIVE.value: "magenta",
}
_HELD = {Holds.YES: "green", Holds.NO: "red", Holds.PARTLY: "yellow", Holds.OPEN: "magenta"}


class StudyTable:
    """Draws plain or coloured text of a given width. Pure: it asks no terminal and no environment.

    Args:
        width: Columns to draw for; where one table does not fit, the distances stand in a second one.
        colour: Whether to write ANSI styles; every colour only repeats a word.
    """

    def __init__(self, width: int = 140, colour: bool = False) -> None:
        self.width = max(width, NARROWEST)
        self.colour = colour

    def styled(self, width: int, colour: bool) -> StudyTable:
        """Return the drawing for a terminal of `width` columns."""
        return StudyTable(width, colour)

    def draw(self, document: Study) -> str:
        """Return the whole study."""
        table = deviations(document)
        page = Page(self.width, self.colour)
        _say(page, headline(table), "bold")
        _blank(page)
        _pairs(page, setting(document, table))
        if table.measured:
            self._draw_measured(page, table)
        _list(page, "Without figures", [f"{name}: {why}" for name, why in left_out(document)])
        _list(page, "To know", notes(document, table))
        return page.text()

    def _draw_measured(self, page: Page, table: Deviations) -> None:
        _title(page, "What became of each family")
        _pairs(page, by_family(table))
        for title, columns in self._tables(table):
            _title(page, title)
            _draw_table(page, table, columns)
        _blank(page)
        _say(page, f"{legend(table)} {FATES}", "dim", indent=2)
        _title(page, "What of the paper's findings holds here")
        found = claims(table)
        if not found:
            _say(page, NOTHING_TOLD, indent=2)
        for claim in found:
            held = Text(claim.holds.value, style=_HELD[claim.holds])
            page.console.print(Padding(Text.assemble(held, ": ", claim.words), (0, 0, 0, 2)))
            _say(page, claim.because, indent=4)
            _say(page, f"asked: {claim.rule}", "dim", indent=4)

    def _tables(self, table: Deviations) -> list[tuple[str, tuple[Column, ...]]]:
        """Return as few tables as fit, the reading beside the distances where there is room."""
        groups = [("Deviation", DEVIATION), ("Function", FUNCTION), ("Reading", READING)]
        parts = [(title, kept) for title, columns in groups if (kept := filled(columns, table))]
        for first in (1, 2, 3):
            joined = [*parts[: first - 1], *_joined(parts[first - 1 :])]
            if all(_total(table, columns) <= self.width for _, columns in joined):
                return joined
        return parts


_Part = tuple[str, tuple[Column, ...]]


def _joined(parts: Sequence[_Part]) -> list[_Part]:
    """Return parts as one."""
    if not parts:
        return []
    title = listed([title.lower() for title, _ in parts]).capitalize()
    return [(title, tuple(column for _, kept in parts for column in kept))]


def _total(table: Deviations, columns: Sequence[Column]) -> int:
    return INDENT + _label_width(table) + sum(GAP + _width(table, column) for column in columns)


def _label_width(table: Deviations) -> int:
    """Return the width of the labels' column; a longer label stands on a line of its own."""
    widths = [INDENT + cell_len(row.label) for row in rows(table) if row.deviation is not None]
    return max(width for width in (*widths, 0) if width <= WIDEST_LABEL)


def _width(table: Deviations, column: Column) -> int:
    cells = [column.cell(row) for row in (*table.measured, *table.independents)]
    return max(cell_len(text) for cell in cells for text in (column.title, cell.text, cell.bounds))


def _draw_table(page: Page, table: Deviations, columns: Sequence[Column]) -> None:
    """Draw rows under the heads of their families, which may be longer than the labels."""
    widths = [_width(table, column) for column in columns]
    label = _label_width(table)
    head = [Text(column.title, style="dim") for column in columns]
    _draw_line(page, Text(), label, head, columns, widths)
    _say(page, "─" * (label + sum(GAP + width for width in widths)), indent=INDENT)
    for row in rows(table):
        if row.deviation is None:
            _say(page, row.label, "bold", indent=INDENT)
            continue
        cells = [column.cell(row.deviation) for column in columns]
        texts = [Text(cell.text, style=_STYLES.get(cell.text, "")) for cell in cells]
        name = Text(" " * INDENT + row.label)
        if name.cell_len > label:
            _say(page, name.plain, indent=INDENT)
            name = Text()
        _draw_line(page, name, label, texts, columns, widths)
        if any(cell.bounds for cell in cells):
            _draw_line(page, Text(), label, [Text(cell.bounds, style="dim") for cell in cells], columns, widths)


def _draw_line(
    page: Page, label: Text, width: int, cells: Sequence[Text], columns: Sequence[Column], widths: Sequence[int]
) -> None:
    drawn = Text(" " * INDENT)
    drawn.append_text(_padded(label, width, left=True))
    for cell, column, room in zip(cells, columns, widths, strict=True):
        drawn.append(" " * GAP).append_text(_padded(cell, room, left=column.words))
    page.console.print(drawn, soft_wrap=True)


def _padded(text: Text, width: int, *, left: bool) -> Text:
    blanks = Text(" " * max(0, width - text.cell_len))
    return Text.assemble(text, blanks) if left else Text.assemble(blanks, text)


def _pairs(page: Page, pairs: Sequence[tuple[str, str]]) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for label, content in pairs:
        grid.add_row(Text(label, style="dim"), Text(content))
    page.console.print(Padding(grid, (0, 0, 0, 2)))


def _list(page: Page, title: str, lines: Sequence[str]) -> None:
    if lines:
        _title(page, title)
        for each in lines:
            _say(page, each, indent=2)


def _title(page: Page, title: str) -> None:
    _blank(page)
    _say(page, title, "bold")


def _say(page: Page, words: str, style: str = "", *, indent: int = 0) -> None:
    page.console.print(Padding(Text(words, style=style), (0, 0, 0, indent)))


def _blank(page: Page) -> None:
    page.console.print()
