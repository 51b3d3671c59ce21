"""What one explanation works on, by the number of the explained image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import TrainerContext
from vetgate_delta.concepts import Annotated, drawn
from vetgate_delta.regions import Regions, find_regions


@dataclass(frozen=True)
class Ground:
    """What one explanation works on."""

    context: TrainerContext
    rows: NDArray[np.intp]
    answers: NDArray[np.int64]
    fused_right: NDArray[np.bool_]
    delta: NDArray[np.float32]
    candidate: NDArray[np.float32]

    def regions(self, index: int, threshold: float | None = None) -> tuple[Regions, Regions]:
        """Return the candidate's and DELTA's regions on one explained image."""
        at = self.context.tuning.threshold if threshold is None else threshold
        return find_regions(self.candidate[index], at), find_regions(self.delta[index], at)

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """Return one explained image (H, W, 1 or 3)."""
        return np.asarray(self.context.vetted.pixels[self.rows[index]])

    def label(self, index: int) -> str:
        """Return the class that the reference names rightly."""
        return str(self.context.classes[self.answers[index]])

    def parts(self, index: int) -> tuple[Annotated, ...]:
        """Return its annotated parts and objects; Inconclusive where one does not fit the image."""
        masks = self.context.concepts.get(self.context.vetted.ids[self.rows[index]], ())
        return drawn(masks, (self.delta.shape[1], self.delta.shape[2]))
