"""Tables for the report: each class, and what is taken for what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Better, Chart, Mark, Predictions, PredictionTable, Table, Unit
from vetgate_quality.tally import PerClass

MOST_CLASSES = 20
"""Up to here the whole confusion matrix is shown, beyond it the pairs most confused."""
MOST_PAIRS = 20
MOST_CHANGED = 100
"""Pairs of classes whose confusion changed most, of at most MOST_CLASSES labels and as many answers."""


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
    chart = Chart(
        mark=Mark.BARS,
        label="class",
        values=("difference",),
        unit=Unit.FRACTION,
        signed=True,
        title="Change of each class's accuracy",
        better=Better.HIGHER,
    )
    return Table(title="Each class", columns=columns, rows=tuple(rows), caption=caption, chart=chart)


def confusion(table: PredictionTable, labels: NDArray[np.int64]) -> Iterator[Table]:
    """Yield what is taken for what: a matrix for each model, or of many classes the worst pairs; and what changed."""
    yield from _models(table, labels)
    candidate, reference = (_wrong(table, labels, model) for model in (table.candidate, table.reference))
    changed = _changed(table.classes, candidate, reference)
    if changed is not None:
        yield changed


def _models(table: PredictionTable, labels: NDArray[np.int64]) -> Iterator[Table]:
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
    candidate, reference = (_wrong(table, labels, model) for model in (table.candidate, table.reference))
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


def _wrong(table: PredictionTable, labels: NDArray[np.int64], model: Predictions) -> dict[int, int]:
    """Return how many images of a class are taken for another, by label x classes + answer."""
    wrong = model.answers != labels
    codes, found = np.unique(labels[wrong] * len(table.classes) + model.answers[wrong], return_counts=True)
    return dict(zip(codes.tolist(), found.tolist(), strict=True))


def _changed(classes: tuple[str, ...], candidate: dict[int, int], reference: dict[int, int]) -> Table | None:
    """Return the pairs of classes that are confused more or less often than before, most changed first."""
    change = {code: candidate.get(code, 0) - reference.get(code, 0) for code in candidate | reference}
    ordered = sorted((code for code in change if change[code]), key=lambda code: (-abs(change[code]), code))
    labels: set[int] = set()
    answers: set[int] = set()
    rows: list[tuple[str, str, int, int, int]] = []
    for code in ordered:
        label, answer = divmod(code, len(classes))
        fits = all(place in taken or len(taken) < MOST_CLASSES for place, taken in ((label, labels), (answer, answers)))
        if fits and len(rows) < MOST_CHANGED:
            labels.add(label)
            answers.add(answer)
            counts = (candidate.get(code, 0), reference.get(code, 0), change[code])
            rows.append((classes[label], classes[answer], *counts))
    if not rows:
        return None
    shown = "" if len(rows) == len(ordered) else f" {len(rows)} of {len(ordered):,} pairs of classes."
    return Table(
        title="Change of confusion, candidate minus reference",
        columns=("label", "taken for", "candidate", "reference", "change"),
        rows=tuple(rows),
        caption=f"Images of one class that are taken for another, the greatest change first.{shown}",
        chart=Chart(
            mark=Mark.MATRIX,
            label="label",
            across="taken for",
            values=("change",),
            unit=Unit.COUNT,
            signed=True,
            only=True,
        ),
    )
