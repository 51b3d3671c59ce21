"""The landscape as text for people, drawn by rich without a look at the terminal or the environment."""

from __future__ import annotations

import io

from rich.box import Box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vetgate.reporting import Landscape, Part, plain
from vetgate_landscape.row import TITLES, Row, rows
from vetgate_landscape.words import TITLE, WARNING, caption, flattened, remarks, setting

NARROWEST = 60
ROOM = {"nearest": 100, "distance": 100}
"""Columns of text from which a column of the table has room."""
_NUMBERS = ("accuracy", "from the reference", "distance")
_HEAD_ONLY = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
_STYLES = {Part.REFERENCE: "bold", Part.CHECKPOINT: "dim"}


class LandscapeTable:
    """Draws plain or coloured text of a given width. Pure: it asks no terminal and no environment.

    Args:
        width: Columns to draw for.
        colour: Whether to write ANSI styles; every style only repeats a word.
    """

    def __init__(self, width: int = 120, colour: bool = False) -> None:
        self.width = max(width, NARROWEST)
        self.colour = colour

    def styled(self, width: int, colour: bool) -> LandscapeTable:
        """Return the drawing for a terminal of `width` columns."""
        return LandscapeTable(width, colour)

    def draw(self, document: Landscape) -> str:
        """Return the whole text."""
        file = io.StringIO()
        console = Console(
            file=file,
            width=self.width,
            height=100,
            color_system="standard" if self.colour else None,
            force_terminal=self.colour,
            force_jupyter=False,
            force_interactive=False,
            no_color=not self.colour,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={},
        )
        console.print(Text.assemble((TITLE, "bold"), f"  {setting(document)}"))
        console.print()
        console.print(self._table(rows(document)))
        console.print()
        for line in _notes(document):
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2)))
        text = file.getvalue()
        return text if self.colour else "".join(f"{line.rstrip()}\n" for line in text.splitlines())

    def _table(self, found: list[Row]) -> Padding:
        shown = [place for place, title in enumerate(TITLES) if self.width >= ROOM.get(title, 0)]
        table = Table(
            box=_HEAD_ONLY, show_edge=False, pad_edge=False, padding=(0, 1), header_style="dim", collapse_padding=True
        )
        for place in shown:
            number = TITLES[place] in _NUMBERS
            table.add_column(
                Text(TITLES[place]),
                justify="right" if number else "left",
                no_wrap=number,
                overflow="ellipsis" if number else "fold",
            )
        for row in found:
            style = _STYLES.get(row.part, "")
            table.add_row(*(Text(row.cells[place], style=style) for place in shown))
        return Padding(table, (0, 0, 0, 2))


def _notes(landscape: Landscape) -> list[str]:
    drawn = [f"Drawn: {caption(embedding)}." for embedding in landscape.embeddings]
    told = [remark for embedding in landscape.embeddings for remark in remarks(embedding)]
    planes = ((embedding.method, embedding.settings.get("shown")) for embedding in landscape.embeddings)
    told += flattened([(plain(method), share) for method, share in planes if isinstance(share, float)])
    return [
        "Distances: mean Jensen-Shannon divergence in bits; 0 is the same function, 1 the greatest.",
        *drawn,
        *told,
        WARNING,
    ]
