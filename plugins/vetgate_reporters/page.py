"""A page of text for terminals and files, drawn by rich without a look at the terminal or the environment."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import Box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vetgate.reporting import Decision

NARROWEST = 72
"""Columns under which tables would have to cut figures off; a narrower terminal folds the lines itself."""
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


class Page:
    """Collects what is drawn.

    Args:
        width: Columns; at least `NARROWEST`.
        colour: Whether to write ANSI styles, from the sixteen colours that the reader's theme defines.
    """

    def __init__(self, width: int, colour: bool) -> None:
        self.width = max(width, NARROWEST)
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
        if self.colour:
            return drawn
        return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())

    def line(self, text: str | Text = "", *, style: str = "", indent: int = 0) -> None:
        """Draw one paragraph, wrapped between words."""
        self._draw(Text(_glued(text), style=style) if isinstance(text, str) else text, indent)

    def unbroken(self, text: str, *, indent: int = 0) -> None:
        """Draw one line as it is, however long, so that it can be copied."""
        self._console.print(Text(" " * indent + text), soft_wrap=True)

    def heading(self, title: str, aside: str = "") -> None:
        """Draw the head of a section."""
        self.line()
        words = Text.assemble((f"── {title} ", "bold"), (f"· {aside} " if aside else "", "dim"))
        words.append("─" * max(2, self.width - words.cell_len), "dim")
        words.truncate(self.width)
        self.line(words)

    def part(self, title: str) -> None:
        """Draw the title of a part of a section."""
        self.line()
        self.line(title, style="bold", indent=2)

    def pairs(self, rows: Sequence[tuple[str, str]], *, indent: int = 2) -> None:
        """Draw labels with their text beside them."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for label, content in rows:
            grid.add_row(Text(label, style="dim"), Text(_glued(content)))
        self._draw(grid, indent)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], *, indent: int = 2) -> None:
        """Draw a table; a row may hold fewer cells than there are columns."""
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

    def _draw(self, content: RenderableType, indent: int) -> None:
        self._console.print(Padding(content, (0, 0, 0, indent)) if indent else content)


def _glued(text: str) -> str:
    """Return `text` with its numbers tied to their units, so that no line ends between them."""
    return _UNBROKEN.sub(_GLUE, text)
