"""How right maps of classes are, and how alike: pixels counted by class over all images, resampled over images.

Source: J. Long, E. Shelhamer, T. Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
section 5: pixel accuracy, and mean over classes of intersection over union of counts summed over the whole data set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    NO_CLASS,
    Ask,
    Inconclusive,
    Measurement,
    Results,
    SegmentationContext,
    SegmentationTable,
    Table,
    of_label,
)
from vetgate.statistics import Resampled, attainable_levels, bootstrap
from vetgate_scene import metrics
from vetgate_scene.exhibits import class_table
from vetgate_scene.figures import resampled_figures
from vetgate_scene.order import UNKNOWN, confused, doubts, usual

ALWAYS_PER_CLASS = 100
"""Up to this many classes the figures of each are given unasked."""
NOTHING = 1e-9
"""Pixels below which a class has none: leaving an image out adds and takes off shares of pixels."""
ORDER = "segmentation.class-order"
ORDER_ADVICE = (
    "compare classes.txt with the numbers in the masks (its first line names number 0), and output.classes and "
    "output.offset in the card with the model's outputs"
)


class SegmentationCheck:
    """Compares both models' maps with the masks and with each other."""

    def measure(self, context: SegmentationContext, ask: Ask) -> Results:
        """Return intersection over union, pixel accuracy and agreement; without masks agreement alone.

        Raises:
            Inconclusive: No pixel can be compared.
        """
        table, pixels = context.table, _count(context.table)
        figures = list(_agreement(pixels, ask))
        if table.truth is None:
            return Results(measurements=tuple(figures))
        shown = np.flatnonzero(pixels.given.sum(axis=0))
        if not len(shown):
            raise Inconclusive("the masks label no pixel", hint="is everything in them 255?")
        found = _resample(_figures, pixels.design(shown), ask)
        figures += _accuracy(table, pixels, shown, found, ask)
        return Results(
            measurements=tuple(figures),
            findings=tuple(doubts(ORDER, "of its pixels", pixels.usual, table.classes, ORDER_ADVICE)),
            exhibits=(_exhibit(table, pixels, shown, found),),
        )


@dataclass(frozen=True)
class _Pixels:
    """Pixels of each image by class."""

    right: NDArray[np.int64]
    """(2, N, K) of a class that are given it, by the candidate and by the reference."""
    answered: NDArray[np.int64]
    """(2, N, K) labelled pixels that are given a class."""
    given: NDArray[np.int64]
    """(N, K) labelled with a class; those that never reached a model are among them, and so count as wrong."""
    same: NDArray[np.float64]
    """(N,) share of the pixels that either model gives a class that get the same of both; NaN where there are none."""
    usual: NDArray[np.int64]
    """(2, N, K) class that most labelled pixels of a class are given."""

    def design(self, shown: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return (5 S, N) what each image adds to the sums, of the classes that the masks show."""
        parts = (*self.right, *self.answered, self.given)
        return np.concatenate([part[:, shown].T for part in parts]).astype(np.float64)


def _count(table: SegmentationTable) -> _Pixels:
    count, classes = len(table), len(table.classes)
    right, answered = (np.zeros((2, count, classes), dtype=np.int64) for _ in range(2))
    given, same = np.zeros((count, classes), dtype=np.int64), np.full(count, np.nan)
    most = np.full((2, count, classes), UNKNOWN, dtype=np.int64)
    for place in range(count):
        maps = (table.candidate[place], table.reference[place])
        seen = (maps[0] != NO_CLASS) | (maps[1] != NO_CLASS)
        if seen.any():
            same[place] = float((maps[0] == maps[1])[seen].mean())
        if table.truth is None:
            continue
        truth = table.truth[place]
        told = truth != NO_CLASS
        given[place] = np.bincount(truth[told], minlength=classes)
        for side, found in enumerate(maps):
            both = told & (found != NO_CLASS)
            confusion = confused(truth[both].astype(np.int64), found[both].astype(np.int64), classes)
            answered[side, place], right[side, place] = confusion.sum(axis=0), confusion.diagonal()
            most[side, place] = usual(confusion)
    return _Pixels(right, answered, given, same, most)


def _resample(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]], design: NDArray[np.float64], ask: Ask
) -> Resampled:
    """Return figures resampled over the images, in an order that does not depend on that of the data set."""
    ordered = design[:, np.lexsort(design)]
    levels = attainable_levels(ask.confidences, ask.replicates)
    alone = np.ones(ordered.shape[1], dtype=np.int64)
    return bootstrap(statistic, ordered, alone, replicates=ask.replicates, seed=ask.seed, levels=levels)


def _agreement(pixels: _Pixels, ask: Ask) -> Iterator[Measurement]:
    same = pixels.same[np.isfinite(pixels.same)]
    if not len(same):
        raise Inconclusive("neither model gives any pixel a class")
    found = _resample(lambda sums: sums[:1] / sums[1:], np.stack([same, np.ones(len(same))]), ask)
    yield from resampled_figures(metrics.AGREEMENT, found, [0], len(same))


def _figures(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (6 + 3 S, R): mean intersection over union, pixel accuracy, then intersection over union of each class.

    Each is that of the candidate, that of the reference, and the difference; a class that a resample does not show is
    0, and no part of its mean.

    Args:
        sums: (5 S, R) as `_Pixels.design` says.
    """
    right, answered, given = _thirds(sums)
    union = answered + given - right
    overlap = np.divide(right, union, out=np.zeros_like(right), where=union > NOTHING)
    shown = given > NOTHING
    mean = (overlap * shown).sum(axis=1) / np.maximum(shown.sum(axis=0), 1)
    accuracy = right.sum(axis=1) / np.maximum(given.sum(axis=0), NOTHING)
    each = [np.stack([*pair, pair[0] - pair[1]]) for pair in (mean, accuracy)]
    return np.concatenate([*each, overlap[0], overlap[1], overlap[0] - overlap[1]])


def _thirds(
    sums: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return right and answered (2, S, R), and given (S, R)."""
    parts = sums.reshape(5, -1, sums.shape[1])
    return parts[:2], parts[2:4], parts[4]


def _accuracy(
    table: SegmentationTable, pixels: _Pixels, shown: NDArray[np.intp], found: Resampled, ask: Ask
) -> Iterator[Measurement]:
    count, classes = len(table), len(shown)
    lacking = len(table.classes) - classes
    note = f"over the {classes} of {len(table.classes)} classes that the masks show" if lacking else ""
    yield from resampled_figures(metrics.MIOU, found, range(3), count, note=note)
    yield from resampled_figures(metrics.PIXEL_ACCURACY, found, range(3, 6), count)
    if classes > ALWAYS_PER_CLASS and not ask.columns(metrics.IOU.id):
        return
    for place, index in enumerate(shown.tolist()):
        rows = [6 + part * classes + place for part in range(3)]
        images = int(np.count_nonzero(pixels.given[:, index]))
        yield from resampled_figures(metrics.IOU, found, rows, images, where=of_label(table.classes[index]))


def _exhibit(table: SegmentationTable, pixels: _Pixels, shown: NDArray[np.intp], found: Resampled) -> Table:
    overlap = found.estimate[6:].reshape(3, -1)
    images = [int(np.count_nonzero(pixels.given[:, index])) for index in shown.tolist()]
    names = [table.classes[index] for index in shown.tolist()]
    return class_table("intersection over union", names, images, overlap)
