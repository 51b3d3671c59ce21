"""The prediction table: both models' answers on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vetgate.domain.evidence import LABEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Predictions:
    """One model's answers on N images; columns stand in the reference's class order."""

    raw: NDArray[np.float32]
    """(N, C) as the model gave them, de-quantised."""
    probabilities: NDArray[np.float64]
    """(N, C), rows sum to 1."""
    answers: NDArray[np.int64]
    """(N,) the most probable class; ties go to the lowest index."""


@dataclass(frozen=True)
class Column:
    """A property of every image, by which figures can be sliced."""

    values: tuple[str, ...]
    """(V,) the distinct values, in the order in which people read them."""
    codes: NDArray[np.int64]
    """(N,) index into `values`; -1 where the image has none."""
    note: str = ""
    """What a reader must know, such as where quarters end."""


@dataclass(frozen=True)
class PredictionTable:
    """Answers of both models, paired by image."""

    ids: Sequence[str]
    """(N,)"""
    labels: NDArray[np.int64] | None
    """(N,) in the reference's class order, or None."""
    classes: tuple[str, ...]
    """(C,) class names; indices as text where nobody names them."""
    candidate: Predictions
    reference: Predictions
    columns: Mapping[str, Column] = field(default_factory=dict)
    """By name; the label is not among them."""

    def column(self, by: str) -> Column | None:
        """Return a column, the label's among them; None where the images have no such column."""
        if by == LABEL:
            return None if self.labels is None else Column(self.classes, self.labels)
        return self.columns.get(by)

    def __len__(self) -> int:
        return len(self.ids)
