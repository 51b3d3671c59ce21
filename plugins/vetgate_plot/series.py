"""How the value columns of one chart are told apart: by colour and by fill, dashes or shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vetgate_plot.palette import BLUE, GREEN, INK, ORANGE, PURPLE, SKY
from vetgate_plot.sheet import SMALL, TEXT, WIDTH, Shape, Sheet, fitted, reach


@dataclass(frozen=True)
class Look:
    """Of one series."""

    colour: str
    hollow: bool
    shape: Shape
    dashes: Literal["-", "--", ":"]


LOOKS = (
    Look(BLUE, False, "o", "-"),
    Look(ORANGE, True, "s", "--"),
    Look(GREEN, False, "^", ":"),
    Look(PURPLE, True, "D", "-"),
    Look(SKY, False, "v", "--"),
    Look(INK, True, "P", ":"),
)
"""The candidate's, the reference's, and those of further ones; more are not drawn."""
LINE = 17.0
"""Units from one line of a legend to the next."""
_SWATCH, _GAP = 12.0, 16.0


def legend_of(names: Sequence[str], sheet: Sheet | None, top: float, *, lines: bool = False) -> float:
    """Write which look is whose, in as many lines as it takes, and return where it ends.

    Args:
        names: Of the series, as strangers have them.
        sheet: None to learn the end alone.
        top: Where it begins.
        lines: Whether series are lines with shapes, not bars.
    """
    if len(names) < 2:
        return top
    left, base = 0.0, top + TEXT
    for look, name in zip(LOOKS, names, strict=False):
        text = fitted(name, WIDTH - 60.0, SMALL)
        wide = _SWATCH + 6.0 + reach(text, SMALL)
        if left and left + wide > WIDTH:
            left, base = 0.0, base + LINE
        if sheet is not None:
            _swatch(sheet, left, base, look, lines=lines)
            sheet.words(left + _SWATCH + 5.0, base, text, "legend", size=SMALL)
        left += wide + _GAP
    return base + 8.0


def _swatch(sheet: Sheet, left: float, base: float, look: Look, *, lines: bool) -> None:
    if lines:
        sheet.line(
            [(left, base - 4), (left + _SWATCH, base - 4)], "swatch", colour=look.colour, width=2.0, dashes=look.dashes
        )
        sheet.mark(
            left + _SWATCH / 2, base - 4, look.shape, "swatch", colour=look.colour, area=26.0, hollow=look.hollow
        )
    else:
        sheet.bar(left, base - 9, left + _SWATCH, base + 1, "swatch", colour=look.colour, hollow=look.hollow)
