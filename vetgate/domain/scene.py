"""Answers that are more than a class: the class of every pixel, or the objects in an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vetgate.domain.predictions import Column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NO_CLASS = 255
"""In a map of classes: nobody says what the pixel shows, or no model looked at it. So there are 255 classes at most."""


@dataclass(frozen=True)
class SegmentationTable:
    """Maps of both models, paired by image, each in the image's own pixels, (H, W) of class indices or NO_CLASS.

    They are made when they are asked for, one image at a time: keep figures of them, not the maps.
    """

    ids: Sequence[str]
    """(N,)"""
    classes: tuple[str, ...]
    """(K,) the reference's."""
    candidate: Sequence[NDArray[np.uint8]]
    reference: Sequence[NDArray[np.uint8]]
    truth: Sequence[NDArray[np.uint8]] | None
    """None where the data has no masks."""
    columns: Mapping[str, Column] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Boxes:
    """What a model finds in one image, the best first."""

    corners: NDArray[np.float64]
    """(D, 4) x1, y1, x2, y2 in the image's own pixels, x1 <= x2 and y1 <= y2."""
    scores: NDArray[np.float64]
    """(D,) in [0, 1], descending."""
    classes: NDArray[np.int64]
    """(D,)"""


@dataclass(frozen=True)
class TrueBoxes:
    """What is to be found in one image."""

    corners: NDArray[np.float64]
    """(G, 4) x1, y1, x2, y2 in the image's own pixels."""
    classes: NDArray[np.int64]
    """(G,)"""
    crowd: NDArray[np.bool_]
    """(G,) whether it is a crowd of objects, of which none need be found."""


@dataclass(frozen=True)
class DetectionTable:
    """Objects that both models find, paired by image."""

    ids: Sequence[str]
    """(N,)"""
    classes: tuple[str, ...]
    """(K,) the reference's."""
    candidate: Sequence[Boxes]
    reference: Sequence[Boxes]
    truth: Sequence[TrueBoxes] | None
    """None where the data has no boxes."""
    columns: Mapping[str, Column] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)
