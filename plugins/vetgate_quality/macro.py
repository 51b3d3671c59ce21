"""All that is resampled: means over classes, the precision of each, and the calibration error."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Measurement, PredictionTable
from vetgate.statistics import Resampled, attainable_levels, unseen_change
from vetgate_quality import metrics
from vetgate_quality.calibration import MOST_CHANGE, resample_calibration
from vetgate_quality.classes import precisions, wants_each_class
from vetgate_quality.figures import Target, resampled_figures
from vetgate_quality.resample import Cells, resample_classes


def resampled(table: PredictionTable, labels: NDArray[np.int64], ask: Ask) -> Iterator[Measurement]:
    """Yield the macro figures, over the classes that have images, the precision of each class, and calibration.

    Calibration has as many cells as images, so that it is resampled only where a rule asks for a confidence on it.
    """
    levels = attainable_levels(ask.confidences, ask.replicates)
    found = resample_classes(
        cells := Cells.of(table, labels),
        precision=wants_each_class(table, ask, metrics.PRECISION),
        replicates=ask.replicates,
        seed=ask.seed,
        levels=levels,
    )
    yield from precisions(table, labels, found)
    yield from _means(found.macro, cells.images, len(table.classes))
    errors = resample_calibration(
        table.candidate,
        table.reference,
        labels,
        replicates=ask.replicates,
        seed=ask.seed,
        levels=levels if ask.wants_bounds(metrics.ECE.id) else (),
    )
    count = len(labels)
    unseen = partial(unseen_change, np.array([count]), np.array([MOST_CHANGE / count]))
    # A model as sure as it is right has gaps of noise alone, which resampling shows as gaps of its own.
    yield from resampled_figures(metrics.ECE, errors, range(3), unseen, Target(count), apart=True)


def _means(macro: Resampled, images: NDArray[np.int64], classes: int) -> Iterator[Measurement]:
    """Yield the macro figures.

    Args:
        macro: Resampled.
        images: (S,) of each class that has any.
        classes: All of them.
    """
    count = int(images.sum())
    note = f"over the {len(images)} of {classes} classes that have images" if len(images) < classes else ""
    # An image that is given another class leaves its own, which moves recall, and enters another of common size, which
    # moves precision and F1 too.
    alone = 1.0 / (len(images) * images)
    for index, (spec, effects) in enumerate(
        (
            (metrics.PRECISION_MACRO, alone + 1.0 / count),
            (metrics.RECALL_MACRO, alone),
            (metrics.F1_MACRO, alone + 1.0 / count),
            (metrics.F1_WEIGHTED, np.full(len(images), 2.0 / count)),
        )
    ):
        rows = range(3 * index, 3 * index + 3)
        yield from resampled_figures(
            spec, macro, rows, partial(unseen_change, images, effects), Target(count, note=note)
        )
