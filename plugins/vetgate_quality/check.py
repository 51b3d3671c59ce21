"""How right each model is: pure arithmetic on the prediction table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    LABEL,
    Ask,
    Inconclusive,
    Measurement,
    MetricSpec,
    Of,
    PerImage,
    PredictionTable,
    Results,
    Table,
    TableContext,
)
from vetgate_quality import metrics
from vetgate_quality.classes import recalls, wants_each_class
from vetgate_quality.exhibits import class_table, confusion
from vetgate_quality.figures import hits, per_image
from vetgate_quality.macro import resampled
from vetgate_quality.slices import Right, Sliced, asked_columns, by_slice, over_slices, slice_table
from vetgate_quality.tally import in_top, pair, per_class
from vetgate_quality.yardstick import doubts

TOP = 5


class QualityCheck:
    """Takes every accuracy metric of both models."""

    def measure(self, context: TableContext, ask: Ask) -> Results:
        """Return accuracy, macro figures, calibration and, where asked for or cheap, the figures of parts.

        Of a run that may stop early, only what follows from counts.

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
        found = _shares(table, labels, ask)
        figures = [figure for share in found for figure in share.measure(table, ask)]
        if wants_each_class(table, ask, metrics.RECALL):
            figures += recalls(table, labels)
        if ask.glance:
            return Results(measurements=tuple(figures))
        columns = asked_columns(ask, metrics.TOP1, metrics.TOP5, metrics.WORST_SLICE, metrics.SLICE_GAP)
        sliced = [part for by in columns if (part := Sliced.of(table, by, found[0].right))]
        figures += [figure for part in sliced for figure in over_slices(part, ask)]
        figures += resampled(table, labels, ask)
        return Results(
            measurements=tuple(figures),
            findings=tuple(doubts(table, labels)),
            exhibits=tuple(_exhibits(table, labels, sliced)),
            per_image=tuple(entry for share in found for entry in share.per_image()),
        )


@dataclass(frozen=True)
class _Share:
    """One way of being right."""

    spec: MetricSpec
    right: Right

    def measure(self, table: PredictionTable, ask: Ask) -> Iterator[Measurement]:
        """Yield its figures over all images and over the parts that rules ask for."""
        yield from hits(self.spec, pair(np.zeros(len(table), dtype=np.int64), *self.right, 1).of(0))
        for by in ask.columns(self.spec.id):
            sliced = Sliced.of(table, by, self.right)
            if sliced:
                yield from by_slice(self.spec, sliced)

    def per_image(self) -> Iterator[PerImage]:
        """Yield it image by image, for both models."""
        for role, right in zip((Of.CANDIDATE, Of.REFERENCE), self.right, strict=True):
            yield per_image(self.spec, role, right)


def _shares(table: PredictionTable, labels: NDArray[np.int64], ask: Ask) -> list[_Share]:
    models = (table.candidate, table.reference)
    found = [_Share(metrics.TOP1, (models[0].answers == labels, models[1].answers == labels))]
    if len(table.classes) > TOP and not (ask.glance and metrics.TOP5.id not in ask.metrics):
        found.append(_Share(metrics.TOP5, (in_top(models[0], labels, TOP), in_top(models[1], labels, TOP))))
    return found


def _exhibits(table: PredictionTable, labels: NDArray[np.int64], sliced: list[Sliced]) -> Iterator[Table]:
    yield from (slice_table(part) for part in sliced if part.by != LABEL)
    one, other = (per_class(labels, model.answers, len(table.classes)) for model in (table.candidate, table.reference))
    yield class_table(table.classes, one, other)
    yield from confusion(table, labels)
