"""A page of text for terminals and files, drawn by rich without a look at the terminal or the environment."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vetgate.reporting import Decision

NARROWEST = 24
"""Columns under which no page is drawn; a narrower terminal folds the lines itself."""
TABLES = 72
"""Columns under which tables would have to cut figures off; there each row stands on lines of its own."""
LONGEST_LABEL = 0.45
"""Share of the page that labels may take beside their text."""
STYLES = {Decision.PASS: "green", Decision.WARN: "yellow", Decision.INCONCLUSIVE: "magenta", Decision.FAIL: "red"}

_HEAD_ONLY = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
"""A line under the head and nothing else: pasted into an issue, a table is still a table."""

_UNBROKEN = re.compile(r"(?<=[\d–]) (?=(?:%|pp|ms|s|MB|GB|bit|×|/s)(?![\w/]))|(?<=\bn) (?== \d)|(?<=\bn =) (?=\d)")
"""The blanks before a unit, and those of `n = 1,000`."""
_GLUE = "\ue000"
"""Stands for the blank between a number and its unit until lines are broken; untrusted text holds none, see plain."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    title: str
    number: bool = False
    """Numbers stand to the right and are never broken."""
    least: int | None = None
    """Columns of text that it keeps where space is short."""
    whole: bool = False
    """Never broken, though to the left."""
    leads: bool = False
    """Where rows stand on lines of their own, whether it is in the first; the first column is if none says so."""


class Page:
    """Collects what is drawn.

    Args:
        width: Columns; at least `NARROWEST`.
        colour: Whether to write ANSI styles, from the sixteen colours that the reader's theme defines.
    """

    def __init__(self, width: int, colour: bool) -> None:
        self.width = max(width, NARROWEST)
        self.narrow = self.width < TABLES
        self.colour = colour
        self._file = io.StringIO()
        self._console = Console(
            file=self._file,
            width=self.width,
            height=100,
            color_system="standard" if colour else None,
            force_terminal=colour,
            force_jupyter=False,
            force_interactive=False,
            no_color=not colour,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={},
        )

    def text(self) -> str:
        """Return what was drawn, without blanks at the ends of lines where they carry no colour."""
        drawn = self._file.getvalue().replace(_GLUE, " ")
        return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())

    def line(self, text: str | Text = "", *, style: str = "", indent: int = 0) -> None:
        """Draw one paragraph, wrapped between words."""
        self._draw(Text(_glued(text), style=style) if isinstance(text, str) else text, indent)

    def unbroken(self, text: str, *, indent: int = 0) -> None:
        """Draw one line as it is, however long, so that it can be copied."""
        self._console.print(Text(" " * indent + text), soft_wrap=True)

    def heading(self, title: str, aside: str = "") -> None:
        """Draw the head of a section."""
        words = Text.assemble((f"── {title} ", "bold"), (f"· {aside} " if aside else "", "dim"))
        if words.cell_len > self.width:
            self.heading(title)
            self.line(aside, style="dim", indent=2)
            return
        self.line()
        words.append("─" * max(2, self.width - words.cell_len), "dim")
        words.truncate(self.width)
        self.line(words)

    def part(self, title: str) -> None:
        """Draw the title of a part of a section."""
        self.line()
        self.line(title, style="bold", indent=2)

    def pairs(self, rows: Sequence[tuple[str, str]], *, indent: int = 2) -> None:
        """Draw labels with their text beside them, or under them where too little room would be left."""
        longest = max((cell_len(label) for label, _ in rows), default=0)
        if longest > LONGEST_LABEL * (self.width - indent):
            for label, content in rows:
                self.line(label, style="dim", indent=indent)
                self.line(content, indent=indent + 2)
            return
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for label, content in rows:
            grid.add_row(Text(label, style="dim"), Text(_glued(content)))
        self._draw(grid, indent)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], *, indent: int = 2) -> None:
        """Draw a table; a row may hold fewer cells than there are columns. On a narrow page it has no head."""
        if self.narrow:
            for row in rows:
                self._record(columns, row, indent)
            return
        table = Table(
            box=_HEAD_ONLY, show_edge=False, pad_edge=False, padding=(0, 1), header_style="dim", collapse_padding=True
        )
        for column in columns:
            unbroken = column.number or column.whole
            table.add_column(
                Text(column.title),
                justify="right" if column.number else "left",
                no_wrap=unbroken,
                min_width=column.least,
                overflow="ellipsis" if unbroken else "fold",
            )
        for row in rows:
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
        self._draw(table, indent)

    def _record(self, columns: Sequence[Column], row: Sequence[str | Text], indent: int) -> None:
        """Draw one row of a table on lines of its own: what leads and what has no title, then a line for each cell."""
        led = [column.leads for column in columns] if any(column.leads for column in columns) else [True]
        cells = [_tied(Text(cell) if isinstance(cell, str) else cell) for cell in row]
        named = list(zip(columns, cells, [*led, *[False] * len(cells)], strict=False))
        head = Table.grid(padding=(0, 2, 0, 0))
        first = [cell for column, cell, leads in named if leads or (not column.title and cell.plain)]
        for place, _ in enumerate(first):
            head.add_column(no_wrap=place + 1 < len(first), overflow="fold")
        head.add_row(*first)
        self._draw(head, indent)
        rest = [(column, cell) for column, cell, leads in named if column.title and cell.plain and not leads]
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(overflow="fold", max_width=int(LONGEST_LABEL * (self.width - indent)))
        grid.add_column(overflow="fold")
        for column, cell in rest:
            grid.add_row(Text(" ".join(column.title.split()), style="dim"), cell)
        if rest:
            self._draw(grid, indent + 2)

    def _draw(self, content: RenderableType, indent: int) -> None:
        self._console.print(Padding(content, (0, 0, 0, indent)) if indent else content)


def _glued(text: str) -> str:
    """Return `text` with its numbers tied to their units, so that no line ends between them."""
    return _UNBROKEN.sub(_GLUE, text)


def _tied(text: Text) -> Text:
    """Return styled text likewise."""
    tied = text.copy()
    tied.plain = _glued(text.plain)
    return tied
