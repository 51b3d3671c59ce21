"""What all squares of a picture share of its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vetgate.reporting import Landscape, Part, Unit, format_quantity, plain, shorten
from vetgate_landscape.mark import Mark, marks_of
from vetgate_landscape.words import LONGEST, names_of, ordered_runs, reference_of


@dataclass(frozen=True)
class Cast:
    """The points as they are drawn."""

    marks: list[Mark]
    labels: list[str]
    """Empty for those that have only a number."""
    runs: list[tuple[str, Sequence[int]]]
    numbers: dict[int, int]
    """Of checkpoints, their places in their runs, from 1."""
    reference: int | None


def cast_of(landscape: Landscape) -> Cast:
    """Return what is drawn of each point: its mark, and beside it name and accuracy; checkpoints have numbers."""
    labels = []
    for point, name in zip(landscape.points, names_of(landscape), strict=True):
        accuracy = "" if point.accuracy is None else f"  {format_quantity(point.accuracy, Unit.FRACTION)}"
        labels.append("" if point.part is Part.CHECKPOINT else f"{name}{accuracy}")
    runs = ordered_runs(landscape)
    numbers: dict[int, int] = {}
    for run, members in runs:
        last = members[-1]
        labels[last] = labels[last] or shorten(plain(run), LONGEST)  # some point of a run must tell which it is
        checkpoints = ((place, index) for place, index in enumerate(members, 1) if not _is_alone(landscape, index))
        numbers |= {index: place for place, index in checkpoints}
    return Cast(marks_of(landscape), labels, runs, numbers, reference_of(landscape))


def _is_alone(landscape: Landscape, index: int) -> bool:
    """Return whether a point stands for itself, whatever run it is of."""
    return landscape.points[index].part is not Part.CHECKPOINT
