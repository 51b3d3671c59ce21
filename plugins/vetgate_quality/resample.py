"""Figures of classes, resampled over the distinct (label, reference's answer, candidate's answer) within each label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from vetgate.api import PredictionTable
from vetgate.statistics import Resampled, bootstrap

CLASSES_AT_ONCE = 2_000
"""Classes whose replicates are held together: 160 MB of 10,000 replicates."""
MACRO_ROWS = 12

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """Images that are alike, in an order that does not depend on that of the images."""

    labels: NDArray[np.int64]
    """(M,) place of the label among the S classes that have images."""
    candidate: NDArray[np.int64]
    """(M,) place of the answer among the same, -1 for a class without images."""
    reference: NDArray[np.int64]
    sizes: NDArray[np.int64]
    """(M,) images."""
    classes: NDArray[np.int64]
    """(S,) the classes that have images."""

    @classmethod
    def of(cls, table: PredictionTable, labels: NDArray[np.int64]) -> Cells:
        """Return the distinct cells of a table."""
        size = len(table.classes)
        codes, sizes = np.unique(
            (labels * size + table.reference.answers) * size + table.candidate.answers, return_counts=True
        )
        seen = np.unique(codes // size**2)
        place = np.full(size, -1)
        place[seen] = np.arange(len(seen))
        return cls(place[codes // size**2], place[codes % size], place[codes // size % size], sizes, seen)

    @property
    def images(self) -> NDArray[np.int64]:
        """Return (S,) the images of each class."""
        return np.bincount(self.labels, self.sizes).astype(np.int64)

    def design(self) -> Any:  # noqa: ANN401  # scipy.sparse has no types
        """Return (4 S, M): right and given of the candidate by class, then the same of the reference."""
        return vstack(
            [
                self._rows(answers, chosen)
                for answers in (self.candidate, self.reference)
                for chosen in (answers == self.labels, answers >= 0)
            ],
            format="csr",
        )

    def _rows(self, answers: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Any:  # noqa: ANN401  # as above
        across = np.flatnonzero(chosen)
        shape = (len(self.classes), len(self.sizes))
        return csr_array((np.ones(len(across)), (answers[across], across)), shape=shape)


@dataclass(frozen=True)
class ClassFigures:
    """Figures of classes with their distribution."""

    macro: Resampled
    """Rows: candidate, reference and difference of macro precision, recall, F1 and of weighted F1, in this order."""
    precision: tuple[tuple[int, Resampled, int], ...]
    """Class, and where the difference of its precision stands and in which row; empty unless wanted."""


def resample_classes(
    cells: Cells, *, precision: bool, replicates: int, seed: int, levels: tuple[float, ...]
) -> ClassFigures:
    """Return macro figures of both models and, where wanted, each class's difference of precision.

    All rest on the same resamples; of more than CLASSES_AT_ONCE classes these are drawn again for each so many.
    """
    design, images = cells.design(), cells.images.astype(np.float64)[:, np.newaxis]
    last = len(cells.classes) if precision else 0
    parts = []
    for start in range(0, max(last, 1), CLASSES_AT_ONCE):
        figures = partial(_figures, images, start == 0, slice(start, min(start + CLASSES_AT_ONCE, last)))
        parts.append(
            bootstrap(figures, design, cells.sizes, cells.labels, replicates=replicates, seed=seed, levels=levels)
        )
    places = [(part, row) for part in parts for row in range(len(part.estimate))][MACRO_ROWS:]
    entries = [(index, *place) for index, place in zip(cells.classes.tolist(), places, strict=False)]
    return ClassFigures(parts[0], tuple(entries))


def _figures(images: Floats, macro: bool, block: slice, totals: Floats) -> Floats:
    """Return the macro figures (12, R), if wanted, and the differences of precision of a block of classes.

    Args:
        images: (S, 1) of each class.
        macro: Whether the macro figures are wanted.
        block: The classes.
        totals: (4 S, R) as Cells.design orders them.
    """
    right, given, right_reference, given_reference = totals.reshape(4, -1, totals.shape[1])
    models = [
        (part, np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.5), whole)
        for part, whole in ((right, given), (right_reference, given_reference))
    ]
    rows: list[Floats] = []
    if macro:
        means = [_means(images, *model) for model in models]
        rows = [row for one, other in zip(*means, strict=True) for row in (one, other, one - other)]
    return np.vstack([*rows, models[0][1][block] - models[1][1][block]])


def _means(images: Floats, right: Floats, precision: Floats, given: Floats) -> list[Floats]:
    f1 = 2.0 * right / (images + given)
    return [figure.mean(axis=0) for figure in (precision, right / images, f1)] + [images[:, 0] / images.sum() @ f1]
