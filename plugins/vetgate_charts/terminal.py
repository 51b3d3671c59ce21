"""The ranking as text for people, drawn by rich without a look at the terminal or the environment."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vetgate.reporting import Ranking, ReportSet, plain, rank
from vetgate_charts.page import HEAD_ONLY, Page
from vetgate_charts.row import LEGEND, TITLES, headline, left_out, rows, setting

NARROWEST = 24
"""Columns under which no page is drawn; a narrower terminal folds the lines itself."""
TABLE = 80
"""Columns under which the table would have to cut figures off; there each model stands on lines of its own."""
ROOM = {"against reference": 116, "0 to 1": 96}
"""Columns of text from which a column of the table has room."""
_NUMBERS = range(2, len(TITLES))


class RankingTable:
    """Draws plain or coloured text of a given width. Pure: it asks no terminal and no environment.

    Args:
        width: Columns to draw for.
        colour: Whether to write ANSI styles; every colour only repeats a mark.
    """

    def __init__(self, width: int = 120, colour: bool = False) -> None:
        self.width = max(width, NARROWEST)
        self.colour = colour

    def styled(self, width: int, colour: bool) -> RankingTable:
        """Return the reporter for a terminal of `width` columns."""
        return RankingTable(width, colour)

    def render(self, reports: ReportSet) -> str:
        """Return the whole ranking.

        Raises:
            ValueError: The reports are not comparable.
        """
        ranking = rank(reports)
        page = Page(self.width, self.colour)
        self._draw(page.console, ranking)
        return page.text()

    def _draw(self, console: Console, ranking: Ranking) -> None:
        console.print(Text(headline(ranking), style="bold"))
        console.print()
        grid = Table.grid(padding=(0, 2, 0, 0))
        for label, content in setting(ranking):
            grid.add_row(Text(label, style="dim"), Text(content))
        console.print(Padding(grid, (0, 0, 0, 2)))
        if ranking.rows:
            console.print()
            if self.width < TABLE:
                self._records(console, ranking)
            else:
                console.print(self._table(ranking))
            console.print()
            console.print(Padding(Text(LEGEND, style="dim"), (0, 0, 0, 2)))
        self._list(console, "Not ranked", left_out(ranking))
        self._list(console, "To know", [plain(note) for note in ranking.notes])

    def _records(self, console: Console, ranking: Ranking) -> None:
        for row in rows(ranking):
            mark, model, *figures = row.cells
            style = "dim" if row.fictitious else "bold" if row.reference else ""
            console.print(Padding(Text(" ".join(filter(None, (mark, model))), style=style), (0, 0, 0, 2)))
            grid = Table.grid(padding=(0, 2, 0, 0))
            grid.add_column(max_width=self.width // 2)
            for title, figure in zip(TITLES[2:], figures, strict=True):
                if figure:
                    grid.add_row(Text(title, style="dim"), Text(figure))
            console.print(Padding(grid, (0, 0, 0, 4)))

    def _table(self, ranking: Ranking) -> Padding:
        shown = [place for place, title in enumerate(TITLES) if self.width >= ROOM.get(title, 0)]
        table = Table(
            box=HEAD_ONLY, show_edge=False, pad_edge=False, padding=(0, 1), header_style="dim", collapse_padding=True
        )
        for place in shown:
            right = place in _NUMBERS
            table.add_column(
                Text(TITLES[place]),
                justify="right" if right else "left",
                no_wrap=right,
                overflow="ellipsis" if right else "fold",
            )
        for row in rows(ranking):
            style = "dim" if row.fictitious else "bold" if row.reference else ""
            table.add_row(*(Text(row.cells[place], style=style) for place in shown))
        return Padding(table, (0, 0, 0, 2))

    def _list(self, console: Console, title: str, lines: list[str]) -> None:
        if lines:
            console.print()
            console.print(Text(title, style="bold"))
            for line in lines:
                console.print(Padding(Text(line), (0, 0, 0, 2)))
