"""Recall and precision of every class that has images, where asked for or cheap."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Measurement, MetricSpec, Of, PredictionTable, of_label
from vetgate.statistics import unseen_share
from vetgate_quality import metrics
from vetgate_quality.figures import Target, hits, precision_of_class, quantiles
from vetgate_quality.resample import ClassFigures
from vetgate_quality.tally import pair, per_class

ALWAYS_PER_CLASS = 100
"""Up to this many classes the figures of each are given unasked."""


def wants_each_class(table: PredictionTable, ask: Ask, spec: MetricSpec) -> bool:
    """Return whether a figure is taken of each class: where a rule asks for it, or where it is cheap."""
    return bool(ask.columns(spec.id)) or (len(table.classes) <= ALWAYS_PER_CLASS and not ask.glance)


def recalls(table: PredictionTable, labels: NDArray[np.int64]) -> Iterator[Measurement]:
    """Yield the recall of every class that has images."""
    right = [model.answers == labels for model in (table.candidate, table.reference)]
    paired = pair(labels, right[0], right[1], len(table.classes))
    for index in np.flatnonzero(paired.images).tolist():
        yield from hits(metrics.RECALL, paired.of(index), where=of_label(table.classes[index]))


def precisions(table: PredictionTable, labels: NDArray[np.int64], resampled: ClassFigures) -> Iterator[Measurement]:
    """Yield the precision of every class that has images and whose difference was resampled."""
    models = [per_class(labels, model.answers, len(table.classes)) for model in (table.candidate, table.reference)]
    for index, found, row in resampled.precision:
        counts = [(int(model.right[index]), int(model.answered[index])) for model in models]
        # One image more or less that is given the class moves its precision by 1 / n.
        unseen = partial(unseen_share, max(1, *(given for _, given in counts)))
        target = Target(int(models[0].images[index]), of_label(table.classes[index]))
        difference = quantiles(found, row, Of.DELTA, unseen)
        yield from precision_of_class(metrics.PRECISION, (counts[0], counts[1]), difference, target)
