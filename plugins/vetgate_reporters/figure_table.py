"""A table of figures on a page of any width: what there is no room for gives way, the least telling first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from rich.cells import cell_len
from rich.text import Text

from vetgate.wording.figures import Figure, titles
from vetgate.wording.text import name, stacked
from vetgate_reporters.page import Column, Page

_INDENT = 2
_READING = 8
"""Columns of `better` and the blanks before it."""
_STYLES = {"better": "green", "worse": "red", "same": "dim"}


class Bounds(Enum):
    """Under which figures of a row their bounds stand."""

    ALL = "all"
    TELLING = "telling"
    NONE = "none"


@dataclass(frozen=True)
class Layout:
    """What is shown."""

    bounds: Bounds
    reading: bool
    basis: bool
    label: int = 30
    """Columns that it leaves the names of rows, if they are as long."""


LAYOUTS = (
    Layout(Bounds.ALL, reading=True, basis=True),
    Layout(Bounds.ALL, reading=True, basis=False),
    Layout(Bounds.TELLING, reading=True, basis=True),
    Layout(Bounds.TELLING, reading=True, basis=False),
    Layout(Bounds.TELLING, reading=False, basis=False, label=18),
    Layout(Bounds.NONE, reading=False, basis=False),
)
BASIS_FIRST = (
    Layout(Bounds.ALL, reading=True, basis=True),
    Layout(Bounds.TELLING, reading=True, basis=True),
    Layout(Bounds.ALL, reading=False, basis=True),
    Layout(Bounds.TELLING, reading=False, basis=True),
    *LAYOUTS[3:],
)
"""Of slices and pairs the images matter more than the word that repeats a sign."""


def draw_figures(
    page: Page, title: str, labelled: Sequence[tuple[str, Figure]], layouts: Sequence[Layout] = LAYOUTS
) -> bool:
    """Draw figures with a column for whatever any of them has and the page has room for.

    Args:
        page: The page.
        title: Of the first column.
        labelled: Name and figures of each row.
        layouts: From the one that needs most room on; the last is taken where none fits.

    Returns:
        Whether bounds stand under any figure.
    """
    if page.narrow:
        page.line(name(title, 30), style="bold", indent=_INDENT)
        drawn, layout = _columns([row for _, row in labelled], layouts[0]), layouts[0]
    else:
        drawn, layout = _fitting(page.width - _INDENT, title, labelled, layouts)
    columns = [Column(name(title, 30), least=12), *(column for column, _ in drawn)]
    taken = 0 if page.narrow else sum(_width(column, cells) + 2 for column, cells in drawn)
    room = max(12, page.width - _INDENT - taken - (_READING if page.narrow else 0))
    cells = zip(*(cells for _, cells in drawn), strict=True) if drawn else [()] * len(labelled)
    page.table(columns, [[stacked(name(label), room), *row] for (label, _), row in zip(labelled, cells, strict=True)])
    return layout.bounds is not Bounds.NONE and any(row.telling for _, row in labelled)


_Drawn = list[tuple[Column, list[Text]]]


def _fitting(
    width: int, title: str, labelled: Sequence[tuple[str, Figure]], layouts: Sequence[Layout]
) -> tuple[_Drawn, Layout]:
    """Return the columns beside the names, by the first layout that leaves the names their room."""
    longest = max(cell_len(text) for text in (name(title, 30), *(name(label) for label, _ in labelled)))
    drawn: _Drawn = []
    for layout in layouts:
        drawn = _columns([row for _, row in labelled], layout)
        if width - sum(_width(column, cells) + 2 for column, cells in drawn) >= min(longest, layout.label):
            return drawn, layout
    return drawn, layouts[-1]


def _columns(rows: Sequence[Figure], layout: Layout) -> _Drawn:
    drawn = [
        (Column(title, number=True), [_figure(row, title, layout.bounds) for row in rows]) for title in titles(rows)
    ]
    if layout.reading and any(row.reading for row in rows):
        drawn.append((Column("", whole=True), [Text(row.reading, style=_STYLES.get(row.reading, "")) for row in rows]))
    if layout.basis and any(row.basis not in ("", "exact") for row in rows):
        drawn.append((Column("rests on", whole=True), [Text(row.basis) for row in rows]))
    return drawn


def _figure(row: Figure, title: str, bounds: Bounds) -> Text:
    cell = row.cells.get(title)
    if cell is None:
        return Text()
    shown = bounds is Bounds.ALL or (bounds is Bounds.TELLING and title == row.telling)
    return Text.assemble(cell.text, (f"\n{cell.bounds}", "dim")) if cell.bounds and shown else Text(cell.text)


def _width(column: Column, cells: Sequence[Text]) -> int:
    return max(cell_len(column.title), *(cell_len(line) for cell in cells for line in cell.plain.split("\n")))
