"""Tables for the report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Better, Chart, Mark, Table, Unit


def class_table(what: str, names: Sequence[str], images: Sequence[int], figures: NDArray[np.float64]) -> Table:
    """Return every class with its figures, the greatest loss first.

    Args:
        what: The figure in words.
        names: (S,) of the classes.
        images: (S,) that show each.
        figures: (3, S) of the candidate, the reference and the difference.
    """
    order = np.argsort(figures[2], kind="stable").tolist()
    rows = tuple((names[place], images[place], *(float(value) for value in figures[:, place])) for place in order)
    chart = Chart(
        mark=Mark.BARS,
        label="class",
        values=("difference",),
        unit=Unit.FRACTION,
        signed=True,
        title=f"Change of each class's {what}",
        better=Better.HIGHER,
    )
    return Table(
        title="Each class",
        columns=("class", "images", what, "reference's", "difference"),
        rows=rows,
        caption=f"The {what} of each class that the data shows, the greatest loss first.",
        chart=chart,
    )
