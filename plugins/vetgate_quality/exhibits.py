"""Tables for the report: each class, and what is taken for what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import PredictionTable, Table
from vetgate_quality.tally import PerClass

MOST_CLASSES = 20
"""Up to here the whole confusion matrix is shown, beyond it the pairs most confused."""
MOST_PAIRS = 20


def class_table(classes: tuple[str, ...], candidate: PerClass, reference: PerClass) -> Table:
    """Return every class with its recall and precision, the greatest loss of recall first; None where undefined."""
    difference = candidate.recall - reference.recall
    images = candidate.images
    order = np.lexsort((np.arange(len(classes)), difference, images == 0)).tolist()
    rows = []
    for index in order:
        seen = bool(images[index])
        recalls = (candidate.recall[index], reference.recall[index], difference[index])
        rows.append(
            (
                classes[index],
                int(images[index]),
                *(float(value) if seen else None for value in recalls),
                *(float(model.precision[index]) if model.answered[index] else None for model in (candidate, reference)),
            )
        )
    empty = int(np.count_nonzero(images == 0))
    caption = "Recall is the share of the class's images that are given it, precision the share of those given it."
    if empty:
        caption += f" {empty} of {len(classes)} classes have no images, and no rule on classes can see them."
    columns = ("class", "images", "recall", "reference's recall", "difference", "precision", "reference's precision")
    return Table(title="Each class", columns=columns, rows=tuple(rows), caption=caption)


def confusion(table: PredictionTable, labels: NDArray[np.int64]) -> Iterator[Table]:
    """Yield what is taken for what: a matrix for each model, or of many classes the pairs most confused."""
    if len(table.classes) > MOST_CLASSES:
        yield _pairs(table, labels)
        return
    for name, model in (("candidate", table.candidate), ("reference", table.reference)):
        size = len(table.classes)
        matrix = np.bincount(labels * size + model.answers, minlength=size * size).reshape(size, size)
        yield Table(
            title=f"Confusion of the {name}",
            columns=("label", *table.classes),
            rows=tuple((label, *row) for label, row in zip(table.classes, matrix.tolist(), strict=True)),
            caption="Images by label (row) and answer (column).",
        )


def _pairs(table: PredictionTable, labels: NDArray[np.int64]) -> Table:
    size = len(table.classes)
    counts: list[dict[int, int]] = []
    for model in (table.candidate, table.reference):
        wrong = model.answers != labels
        codes, found = np.unique(labels[wrong] * size + model.answers[wrong], return_counts=True)
        counts.append(dict(zip(codes.tolist(), found.tolist(), strict=True)))
    candidate, reference = counts
    ordered = sorted(candidate | reference, key=lambda code: (-candidate.get(code, 0), -reference.get(code, 0), code))
    rows = tuple(
        (table.classes[code // size], table.classes[code % size], candidate.get(code, 0), reference.get(code, 0))
        for code in ordered[:MOST_PAIRS]
    )
    return Table(
        title="Classes most confused",
        columns=("label", "taken for", "images", "of reference"),
        rows=rows,
        caption=f"{len(rows)} of {len(ordered)} confused pairs of classes, most images of the candidate first.",
    )
