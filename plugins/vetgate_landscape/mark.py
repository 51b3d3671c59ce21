"""Marks of points: parts and families by colour and by shape, so that neither alone must be told apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

from vetgate_plot.palette import BLUE, GREEN, INK, ORANGE, PALE, PURPLE, SKY, VERMILION, YELLOW

from vetgate.reporting import Landscape, Part, Point, plain, shorten

THREAD = "#999999"
_COLOURS = (ORANGE, GREEN, PURPLE, SKY, YELLOW, BLUE, VERMILION)
_SHAPES = ("s", "^", "P", "v", "X", "p", "<", "h", ">")
"""As many as have no divisor in common with the colours: 63 families before a pair comes again."""


@dataclass(frozen=True)
class Mark:
    """How a point is drawn."""

    shape: str
    """As matplotlib names it."""
    fill: str
    edge: str
    area: float
    """Points^2."""
    words: str
    """In the legend."""
    order: float
    """What is drawn over what; higher is on top."""


REFERENCE = Mark("*", INK, "white", 330.0, "reference", 3.2)
CANDIDATE = Mark("o", BLUE, INK, 52.0, "candidate", 4.0)
INDEPENDENT = Mark("D", VERMILION, INK, 60.0, "trained independently", 3.5)
CHECKPOINT = Mark("o", "white", PALE, 105.0, "checkpoint of a training run, in order", 3.0)
_OF_PART = {
    Part.REFERENCE: REFERENCE,
    Part.INDEPENDENT: INDEPENDENT,
    Part.CHECKPOINT: CHECKPOINT,
    Part.CANDIDATE: CANDIDATE,
    Part.VARIANT: Mark("o", BLUE, INK, 52.0, "compressed variant", 4.0),
}


def marks_of(landscape: Landscape) -> list[Mark]:
    """Return the mark of every point; families get theirs in the order in which they come."""
    styles = zip(cycle(_COLOURS), cycle(_SHAPES), strict=False)
    families: dict[str, Mark] = {}
    for point in landscape.points:
        if _has_family(point) and point.family not in families:
            colour, shape = next(styles)
            families[point.family] = Mark(shape, colour, INK, 64.0, shorten(plain(point.family), 40), 4.0)
    return [families[point.family] if _has_family(point) else _OF_PART[point.part] for point in landscape.points]


def _has_family(point: Point) -> bool:
    return bool(point.family) and point.part in (Part.CANDIDATE, Part.VARIANT)
