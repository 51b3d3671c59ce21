"""A page of text drawn by rich without a look at the terminal or the environment."""

from __future__ import annotations

import io

from rich.box import Box
from rich.console import Console

HEAD_ONLY = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
"""A line under the head and nothing else: pasted into an issue, a table is still a table."""


class Page:
    """Collects what its console draws.

    Args:
        width: Columns.
        colour: Whether to write ANSI styles, from the sixteen colours that the reader's theme defines.
    """

    def __init__(self, width: int, colour: bool) -> None:
        self._colour = colour
        self._file = io.StringIO()
        self.console = Console(
            file=self._file,
            width=width,
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
        drawn = self._file.getvalue()
        return drawn if self._colour else "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())
