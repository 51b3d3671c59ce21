"""A drawn chart, and what every chart needs to become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vetgate.reporting import plain, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 20
"""Rows of a chart; of more the first are drawn."""
TOLD = 8
"""Rows that are told in words."""
LONGEST = 60
"""Characters of a name in them."""


@dataclass(frozen=True)
class Drawn:
    """One chart."""

    id: str
    """Unique in the page; all ids in `svg` begin with it."""
    title: str
    svg: str
    """An SVG element, safe to stand in HTML as it is."""
    alt: str
    """What it shows, with its figures, in words; it also stands in `svg`."""
    caption: str
    section: str
    """What it is about: `rules`, `accuracy`, or the name of a check."""


@dataclass(frozen=True)
class Picture:
    """A figure, and what it shows in words."""

    figure: Figure
    words: str


def drawn(figure: Figure, id: str, title: str, alt: str, *, caption: str = "", section: str) -> Drawn:  # noqa: A002
    """Return a figure as a chart of the page; call it within `styled`."""
    from vetgate_plot.inline import inline_svg

    clean, told = plain(shorten(title, 100)), plain(shorten(alt, 2000))
    return Drawn(id, clean, inline_svg(figure, id=id, title=clean, description=told), told, caption, section)


def told_in_words(parts: Sequence[str], count: int = 0) -> str:
    """Return what rows say as one sentence, the first of many.

    Args:
        parts: What rows say.
        count: How many rows there are, where not each has its part.
    """
    rest = max(len(parts), count) - min(len(parts), TOLD)
    more = f"; and {rest:,} more" if rest else ""
    return "; ".join(parts[:TOLD]) + more + "."


def named(text: str) -> str:
    """Return a name for a sentence, harmless and short."""
    return plain(shorten(text, LONGEST))


def left_out(count: int, what: str = "rows") -> str:
    """Return a line that says how many rows are not drawn; empty where all are."""
    return f"{MOST_ROWS} of {count:,} {what} are drawn." if count > MOST_ROWS else ""


def joined(*sentences: str) -> str:
    """Return sentences as one text."""
    return " ".join(filter(None, sentences))
