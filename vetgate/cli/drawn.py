"""Drawings on their way out: each whole in its file or not at all, or on stdout as wide as the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vetgate.cli import streams
from vetgate.cli.output import STDOUT, require_writable, wants_colour, why_lost, write_whole
from vetgate.domain.errors import Inconclusive, UsageError
from vetgate.domain.specs import Drawing, StyledDrawing

FEWEST, MOST = 60, 140
"""Columns that are drawn for, whatever the terminal has."""


@dataclass(frozen=True)
class Place:
    """One drawing and where it goes."""

    name: str
    """What messages call it, such as `json report`."""
    path: str
    """A file, or `-` for stdout."""
    drawing: Drawing[Any]

    @property
    def told(self) -> str:
        """Where it goes, in a message."""
        return "stdout" if self.path == STDOUT else self.path


def require_places(places: Sequence[Place], spare: Sequence[str], what: str) -> None:
    """Make sure before anything runs that every drawing can go where it shall.

    Args:
        places: Where.
        spare: Files that the run reads, which no drawing may be written over.
        what: What messages call one of them, such as `report`.

    Raises:
        UsageError: A place cannot be written or is read, or two drawings would go to one.
    """
    read = {os.path.realpath(file) for file in spare if Path(file).exists()}
    taken: set[str] = set()
    for place in places:
        real = place.path if place.path == STDOUT else os.path.realpath(place.path)
        if real in read:
            told = f"the {place.name} would replace {place.path}, which this run reads"
            raise UsageError(told, hint="name another file")
        if real in taken:
            raise UsageError(f"two {what}s would go to {place.told}", hint="give each a path of its own")
        taken.add(real)
        if place.path != STDOUT:
            require_writable(Path(place.path), what)


def write_drawings(document: object, places: Sequence[Place], what: str, usual: int = 100) -> None:
    """Draw and write everything; a drawing that fails does not keep the others back.

    Args:
        document: What is drawn.
        places: Where.
        what: What messages call one of them, such as `report`.
        usual: Columns of text on a stdout that is no terminal.

    Raises:
        Inconclusive: Some could not be drawn or written.
    """
    lost = []
    for place in places:
        try:
            _write(document, place, usual)
        except (Exception, SystemExit) as error:  # a stranger's drawing may raise anything; the others must not be lost
            lost.append(f"{place.name} to {place.told}: {why_lost(error)}")
    if lost:
        raise Inconclusive(f"a {what} was not written: {'; '.join(lost)}")


def _write(document: object, place: Place, usual: int) -> None:
    drawing = place.drawing
    if place.path == STDOUT and isinstance(drawing, StyledDrawing):
        drawing = fitted(drawing, usual)
    content = drawing.draw(document)
    if place.path == STDOUT:
        streams.put(content)
    else:
        write_whole(Path(place.path), content if isinstance(content, bytes) else content.encode())


def fitted(drawing: StyledDrawing[Any], usual: int, fewest: int = FEWEST, most: int = MOST) -> Drawing[Any]:
    """Return a drawing as wide as the terminal, in its colours.

    Args:
        drawing: Of text.
        usual: Columns where stdout is no terminal.
        fewest: Columns at least.
        most: Columns at most.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else usual
    return drawing.styled(width=max(fewest, min(width, most)), colour=wants_colour())
