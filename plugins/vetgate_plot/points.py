"""Points with names: in a plane where only distances mean something, or over two axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vetgate.reporting import Box, Disc, place
from vetgate_plot.palette import BLUE, GREEN, INK, PALE, PURPLE, RULE, SKY, VERMILION
from vetgate_plot.scale import scale_of
from vetgate_plot.sheet import SMALL, TEXT, WIDTH, Shape, Sheet, fitted, reach

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMES = 14
"""Points that have their names beside them; of more, the first."""
LONGEST = 120.0
"""Units of a name."""
_LOOKS: dict[str, tuple[Shape, str, bool, float]] = {
    "": ("o", BLUE, False, 60.0),
    "reference": ("*", INK, False, 260.0),
    "candidate": ("o", BLUE, False, 90.0),
    "independent": ("D", VERMILION, True, 70.0),
}
_FURTHER: tuple[tuple[Shape, str, bool, float], ...] = (
    ("s", GREEN, False, 70.0),
    ("^", PURPLE, True, 80.0),
    ("v", SKY, False, 80.0),
    ("P", INK, True, 80.0),
    ("X", BLUE, False, 80.0),
)


@dataclass(frozen=True)
class Spot:
    """One point."""

    name: str
    across: float
    up: float
    group: str = ""


@dataclass(frozen=True)
class Plane:
    """Where points stand on the sheet."""

    left: float
    top: float
    side: float
    """Units of both sides of the square."""
    places: tuple[tuple[float, float], ...]


def points(
    spots: Sequence[Spot],
    *,
    titles: tuple[str, str],
    along: Callable[[float], str],
    plane: bool,
    note: str = "",
) -> Figure:
    """Return the chart.

    Args:
        spots: At least one.
        titles: Of both columns of values; not written in a plane.
        along: Writes a tick.
        plane: Whether both directions have one scale, and no axis: only distances mean something.
        note: A line below.
    """
    groups = list(dict.fromkeys(spot.group for spot in spots))
    looks = _looks(groups)
    head = 26.0 if len(groups) > 1 else 6.0
    edge = 4.0 if plane else 56.0
    tall = WIDTH - edge - 4.0
    sheet = Sheet(head + tall + (8.0 if plane else 40.0) + (16.0 if note else 0.0))
    where = _placed(spots, edge, head, tall, plane=plane)
    _legend(sheet, groups, looks)
    _frame(sheet, spots, where, titles, along, plane=plane)
    for spot, (x, y) in zip(spots, where.places, strict=True):
        shape, colour, hollow, area = looks[spot.group]
        kind = f"point {spot.group}".rstrip() if spot.group in _LOOKS else "point"
        sheet.mark(x, y, shape, kind, colour=colour, area=area, hollow=hollow)
    _names(sheet, spots, where, looks)
    sheet.note(note)
    return sheet.figure


def _looks(groups: Sequence[str]) -> dict[str, tuple[Shape, str, bool, float]]:
    further = [group for group in groups if group not in _LOOKS]
    own = {group: _FURTHER[place % len(_FURTHER)] for place, group in enumerate(further)}
    return _LOOKS | own


def _placed(spots: Sequence[Spot], left: float, top: float, side: float, *, plane: bool) -> Plane:
    """Return where points stand; in a plane a unit across is a unit up."""
    if plane:
        largest = max((abs(end) for spot in spots for end in (spot.across, spot.up)), default=0.0) or 1.0
        xs, ys = [spot.across / largest for spot in spots], [spot.up / largest for spot in spots]
        reached = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
        unit = side / (1.36 * reached)
        x0, y0 = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
        middle = (left + side / 2, top + side / 2)
        found = [(middle[0] + (x - x0) * unit, middle[1] - (y - y0) * unit) for x, y in zip(xs, ys, strict=True)]
    else:
        across, up = (scale_of([*values], room=0.1) for values in zip(*((s.across, s.up) for s in spots), strict=True))
        found = [(left + across.at(s.across) * side, top + side - up.at(s.up) * side) for s in spots]
    return Plane(left, top, side, tuple(found))


def _frame(
    sheet: Sheet,
    spots: Sequence[Spot],
    where: Plane,
    titles: tuple[str, str],
    along: Callable[[float], str],
    *,
    plane: bool,
) -> None:
    left, top, side = where.left, where.top, where.side
    corners = [(left, top), (left + side, top), (left + side, top + side), (left, top + side), (left, top)]
    sheet.line(corners, "frame", colour=RULE)
    if plane:
        return
    across, up = (scale_of([*values], room=0.1) for values in zip(*((s.across, s.up) for s in spots), strict=True))
    for tick in across.ticks:
        x = left + across.at(tick) * side
        sheet.words(x, top + side + 15.0, along(tick), "tick", size=SMALL, colour=PALE, side="center")
    for tick in up.ticks:
        y = top + side - up.at(tick) * side
        sheet.line([(left, y), (left + side, y)], "grid", colour=RULE)
        sheet.words(left - 4.0, y + 4.0, along(tick), "tick", size=SMALL, colour=PALE, side="right")
    told = f"across: {titles[0]} · up: {titles[1]}"
    sheet.words(left + side / 2, top + side + 32.0, fitted(told, side, SMALL), "axis", size=SMALL, side="center")


def _legend(sheet: Sheet, groups: Sequence[str], looks: dict[str, tuple[Shape, str, bool, float]]) -> None:
    left = 8.0
    for group in groups if len(groups) > 1 else ():
        shape, colour, hollow, area = looks[group]
        text = fitted(group or "other", 110.0, SMALL)
        if left + 12.0 + reach(text, SMALL) > WIDTH:
            break
        sheet.mark(left, 10.0, shape, "swatch", colour=colour, area=min(area, 110.0), hollow=hollow)
        sheet.words(left + 10.0, 14.0, text, "legend", size=SMALL)
        left += 32.0 + reach(text, SMALL)


def _names(sheet: Sheet, spots: Sequence[Spot], where: Plane, looks: dict[str, tuple[Shape, str, bool, float]]) -> None:
    """Write names beside points so that none covers another, joined to their points where they stand off."""
    named = spots[:MOST_NAMES]
    texts = [fitted(spot.name, LONGEST, SMALL) for spot in named]
    height = sheet.height
    discs = [
        Disc(x, height - y, math.sqrt(looks[spot.group][3] / math.pi))
        for spot, (x, y) in zip(spots, where.places, strict=True)
    ]
    frame = Box(where.left + 3.0, height - where.top - where.side + 3.0, where.side - 6.0, where.side - 6.0)
    boxes = place(discs, [(reach(text, SMALL), TEXT) for text in texts], frame)
    for text, box, disc in zip(texts, boxes, discs, strict=False):
        x, y = box.nearest(disc.x, disc.y)
        if math.dist((x, y), (disc.x, disc.y)) > disc.radius + 12.0:
            sheet.line([(x, height - y), (disc.x, height - disc.y)], "join", colour=PALE, width=0.7)
        sheet.words(box.x, height - box.y - 3.0, text, "name", size=SMALL)
