"""Distances of the two models' probabilities: means over images, and the greatest difference of any."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Distance, Measurement, Results, Table, Unstated
from vetgate.statistics import greatest_differences, unseen_share
from vetgate_similarity.compared import Compared
from vetgate_similarity.figures import figure
from vetgate_similarity.means import Wanted, means
from vetgate_similarity.metrics import JS_DIVERGENCE, L2, LINF, TOTAL_VARIATION
from vetgate_similarity.parts import parts

WORST = 20
UNSEEN_ERROR = 0.05
"""Chance that more images than the note says differ more than the greatest seen."""


def measure(compared: Compared, ask: Ask) -> Results:
    """Return the mean distances and the greatest, also by class and of parts that rules ask for.

    Nothing in a run that may stop early: they follow from no counts.
    """
    if ask.glance:
        return Results()
    figures = means(_wanted(compared, ask), ask)
    figures += _greatest(compared, ask)
    return Results(measurements=tuple(figures), exhibits=_worst(compared))


def _wanted(compared: Compared, ask: Ask) -> Iterator[Wanted]:
    for spec, rows, each_class in (
        (JS_DIVERGENCE, compared.divergence, True),
        (TOTAL_VARIATION, compared.distance(Distance.TOTAL_VARIATION), True),
        (L2, compared.distance(Distance.L2), False),
    ):
        for part in parts(compared.table, ask, spec, each_class=each_class):
            yield spec, part, rows[part.rows]


def _greatest(compared: Compared, ask: Ask) -> Iterator[Measurement]:
    """Yield the greatest difference; the greatest of a sample says nothing of how far images not seen may go beyond."""
    table = compared.table
    rows = greatest_differences(table.candidate.probabilities, table.reference.probabilities)
    for part in parts(table, ask, LINF):
        n = len(part.rows)
        beyond = unseen_share(n, UNSEEN_ERROR)
        note = f"the greatest seen; at 95 % confidence at most {beyond:.2%} of images lie beyond it, however far"
        yield figure(LINF, float(rows[part.rows].max()), n, Unstated(), where=part.where, note=note)


def _worst(compared: Compared) -> tuple[Table, ...]:
    """Return the images with the greatest divergence, none where the models never differ; ties by id."""
    table, rows = compared.table, compared.divergence
    near = _greatest_rows(rows)
    near.sort(key=lambda row: (-rows[row], table.ids[row]))
    if not near:
        return ()
    labels, classes = table.labels, table.classes
    shown = tuple(
        (
            table.ids[row],
            None if labels is None else classes[int(labels[row])],
            classes[int(table.candidate.answers[row])],
            classes[int(table.reference.answers[row])],
            float(rows[row]),
        )
        for row in near[:WORST]
    )
    return (
        Table(
            title="Images on which the models differ most",
            columns=("image", "label", "candidate", "reference", "divergence"),
            rows=shown,
            caption="Jensen-Shannon divergence in bits; 1 is the greatest there is.",
        ),
    )


def _greatest_rows(rows: NDArray[np.float64]) -> list[int]:
    """Return the WORST greatest above 0 and those that tie with the last, in no order."""
    count = min(WORST, len(rows))
    floor = np.partition(rows, len(rows) - count)[len(rows) - count]
    found: list[int] = np.flatnonzero((rows >= floor) & (rows > 0)).tolist()
    return found
