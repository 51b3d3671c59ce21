"""How right each model is: pure arithmetic on the prediction table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    Ask,
    Inconclusive,
    Measurement,
    Predictions,
    PredictionTable,
    Results,
    TableContext,
    of_label,
)
from vetgate_quality import metrics
from vetgate_quality.calibration import expected_calibration_error
from vetgate_quality.exhibits import class_table, confusion
from vetgate_quality.figures import hits, points, precision_of_class
from vetgate_quality.tally import PerClass, in_top, pair, per_class

ALWAYS_PER_CLASS = 100
"""Up to this many classes the figures of each are given unasked."""
TOP = 5


class QualityCheck:
    """Takes every accuracy metric of both models."""

    def measure(self, context: TableContext, ask: Ask) -> Results:
        """Return accuracy, macro figures, calibration and, where asked for or cheap, the figures of each class.

        Raises:
            Inconclusive: The data has no labels, or the table no images.
        """
        table = context.table
        labels = table.labels
        if labels is None:
            raise Inconclusive(
                "the data has no labels, so no model can be called right",
                hint="give labelled data, or a policy of similarity rules, which need no labels",
            )
        if not len(labels):
            raise Inconclusive("no image was answered by both models")
        size = len(table.classes)
        candidate, reference = (per_class(labels, model.answers, size) for model in (table.candidate, table.reference))
        measurements = [
            *_shares(table, labels),
            *_means(candidate, reference, len(labels)),
            *_calibration(table, labels),
            *_by_class(table, labels, ask, candidate, reference),
        ]
        exhibits = (class_table(table.classes, candidate, reference), *confusion(table, labels))
        return Results(measurements=tuple(measurements), exhibits=exhibits)


def _shares(table: PredictionTable, labels: NDArray[np.int64]) -> Iterator[Measurement]:
    together = np.zeros_like(labels)
    one = [model.answers == labels for model in (table.candidate, table.reference)]
    yield from hits(metrics.TOP1, pair(together, one[0], one[1], 1).of(0))
    if len(table.classes) > TOP:
        five = [in_top(model, labels, TOP) for model in (table.candidate, table.reference)]
        yield from hits(metrics.TOP5, pair(together, five[0], five[1], 1).of(0))


def _means(candidate: PerClass, reference: PerClass, images: int) -> Iterator[Measurement]:
    """Yield means over the classes that have images; both models' over the same ones."""
    seen = candidate.images > 0
    weights = candidate.images[seen] / images
    missing = len(seen) - int(np.count_nonzero(seen))
    note = f"over the {len(seen) - missing} of {len(seen)} classes that have images" if missing else ""
    models = (candidate, reference)
    for spec, found in (
        (metrics.PRECISION_MACRO, [float(model.precision[seen].mean()) for model in models]),
        (metrics.RECALL_MACRO, [float(model.recall[seen].mean()) for model in models]),
        (metrics.F1_MACRO, [float(model.f1[seen].mean()) for model in models]),
        (metrics.F1_WEIGHTED, [float(model.f1[seen] @ weights) for model in models]),
    ):
        yield from points(spec, found[0], found[1], images=images, note=note)


def _calibration(table: PredictionTable, labels: NDArray[np.int64]) -> Iterator[Measurement]:
    def error(model: Predictions) -> float:
        confidence = np.take_along_axis(model.probabilities, model.answers[:, np.newaxis], axis=1)[:, 0]
        return expected_calibration_error(confidence, model.answers == labels)

    yield from points(metrics.ECE, error(table.candidate), error(table.reference), images=len(labels))


def _by_class(
    table: PredictionTable, labels: NDArray[np.int64], ask: Ask, candidate: PerClass, reference: PerClass
) -> Iterator[Measurement]:
    """Yield recall and precision of every class that has images."""
    size = len(table.classes)
    wanted = {spec.id for spec in (metrics.RECALL, metrics.PRECISION) if size <= ALWAYS_PER_CLASS}
    wanted |= {spec.id for spec in (metrics.RECALL, metrics.PRECISION) if ask.columns(spec.id)}
    right = [model.answers == labels for model in (table.candidate, table.reference)]
    paired = pair(labels, right[0], right[1], size)
    for index in np.flatnonzero(paired.images).tolist():
        where, counts = of_label(table.classes[index]), paired.of(index)
        if metrics.RECALL.id in wanted:
            yield from hits(metrics.RECALL, counts, where=where)
        if metrics.PRECISION.id in wanted:
            given = [(int(model.right[index]), int(model.answered[index])) for model in (candidate, reference)]
            yield from precision_of_class(metrics.PRECISION, given[0], given[1], images=counts.images, where=where)
