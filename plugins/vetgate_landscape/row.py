"""The points of a landscape as rows of text, nearest to the reference first."""

from __future__ import annotations

from dataclasses import dataclass

from vetgate.reporting import Landscape, Part, Point, Unit, format_quantity, plain, shorten
from vetgate_landscape.words import names_of, reference_of

TITLES = ("model", "what", "accuracy", "from the reference", "nearest", "distance")


@dataclass(frozen=True)
class Row:
    """One point."""

    cells: tuple[str, ...]
    """As TITLES."""
    part: Part


def rows(landscape: Landscape) -> list[Row]:
    """Return a row a model: the reference, then by the divergence from it; the models' order where there is none."""
    names, reference = names_of(landscape), reference_of(landscape)
    order = list(range(len(landscape.points)))
    if reference is not None:
        away = landscape.divergence[reference]
        order.sort(key=lambda index: (index != reference, away[index]))
    return [Row(_cells(landscape, index, names, reference), landscape.points[index].part) for index in order]


def _cells(landscape: Landscape, index: int, names: list[str], reference: int | None) -> tuple[str, ...]:
    point, away = landscape.points[index], landscape.divergence[index]
    nearest = min((other for other in range(len(away)) if other != index), key=lambda other: (away[other], other))
    return (
        names[index],
        what(point),
        "–" if point.accuracy is None else format_quantity(point.accuracy, Unit.FRACTION),
        "–" if reference is None or index == reference else bits(away[reference]),
        names[nearest],
        bits(away[nearest]),
    )


def what(point: Point) -> str:
    """Return what a model is: its part, its family, its place in a training run."""
    told = [str(point.part)]
    told += [shorten(plain(point.family), 24)] if point.family else []
    told += [f"{point.step} of {shorten(plain(point.run), 24)}"] if point.run else []
    return " · ".join(told)


def bits(value: float) -> str:
    """Return a divergence with three significant digits."""
    return "0" if value == 0 else f"{value:.3g}"
