"""Flips: where the candidate turns right answers wrong, and wrong ones right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Chart, Mark, PredictionTable, Results, Table, Unit
from vetgate_similarity.compared import Compared
from vetgate_similarity.figures import per_image, share, shares
from vetgate_similarity.metrics import NEGATIVE_FLIPS, POSITIVE_FLIPS
from vetgate_similarity.parts import columns


def measure(compared: Compared, ask: Ask) -> Results:
    """Return both flips as shares of all images, of each class and of parts that rules ask for; none without labels."""
    table = compared.table
    labels = table.labels
    if labels is None:
        return Results()
    right, before = table.candidate.answers == labels, table.reference.answers == labels
    negative, positive = before & ~right, right & ~before
    figures = []
    for spec, flips in ((NEGATIVE_FLIPS, negative), (POSITIVE_FLIPS, positive)):
        figures.append(share(spec, int(np.count_nonzero(flips)), len(labels)))
        for by, column in columns(table, ask, spec, each_class=True):
            figures += shares(spec, flips, by, column)
    if ask.glance:
        return Results(measurements=tuple(figures))
    exhibits = (_by_class(table, labels, negative, positive),)
    return Results(measurements=tuple(figures), exhibits=exhibits, per_image=(per_image(NEGATIVE_FLIPS, negative),))


def _by_class(
    table: PredictionTable, labels: NDArray[np.int64], negative: NDArray[np.bool_], positive: NDArray[np.bool_]
) -> Table:
    size = len(table.classes)
    images, lost, won = (np.bincount(labels[part], minlength=size) for part in (labels >= 0, negative, positive))
    order = np.lexsort((np.arange(size), -won, -lost)).tolist()
    return Table(
        title="Flips by class",
        columns=("class", "images", "negative", "positive"),
        rows=tuple(
            (table.classes[index], int(images[index]), int(lost[index]), int(won[index]))
            for index in order
            if images[index]
        ),
        caption="Negative: images that only the reference has right. Positive: that only the candidate has right.",
        chart=Chart(mark=Mark.MIRRORED, label="class", values=("negative", "positive"), unit=Unit.COUNT),
    )
