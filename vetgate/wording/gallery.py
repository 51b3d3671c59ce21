"""A gallery as a table, for formats that show no pictures."""

from __future__ import annotations

from vetgate.domain.exhibit import Answer, Gallery, Table
from vetgate.domain.unit import Unit, format_quantity


def as_table(gallery: Gallery) -> Table:
    """Return what both models said to each image, in the gallery's order; a class where any image has one."""
    labelled = any(shot.label is not None for shot in gallery.shots)
    return Table(
        title=gallery.title,
        columns=("image", *(["class"] if labelled else []), "reference", "candidate"),
        rows=tuple(
            (shot.image, *([shot.label] if labelled else []), answer(shot.reference), answer(shot.candidate))
            for shot in gallery.shots
        ),
        caption=gallery.caption,
    )


def answer(said: Answer) -> str:
    """Return what a model said, with its probability: `Coat 44.87 %`."""
    return f"{said.name} {format_quantity(said.probability, Unit.FRACTION)}"
