"""The prediction table: both models' answers on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    def __len__(self) -> int:
        return len(self.ids)
