"""The two models on the same images, with what several families of figures need of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Distance, PredictionTable, TableContext, Yardstick
from vetgate.statistics import row_distances

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """Answers of both models, N images at least 1."""

    table: PredictionTable
    yardstick: Yardstick | None

    @classmethod
    def of(cls, context: TableContext) -> Compared:
        """Return what a check was given."""
        return cls(context.table, context.yardstick)

    @cached_property
    def divergence(self) -> Floats:
        """Return (N,) the Jensen-Shannon divergence of each image, in bits."""
        return self.distance(Distance.JS_DIVERGENCE)

    def distance(self, distance: Distance) -> Floats:
        """Return (N,) a distance of the two models' probabilities for each image."""
        return row_distances(distance, self.table.candidate.probabilities, self.table.reference.probabilities)

    @cached_property
    def constant(self) -> tuple[str, ...]:
        """Return which models give the same output for every image; of one image that says nothing."""
        if len(self.table) < 2:
            return ()
        models = {"candidate": self.table.candidate, "reference": self.table.reference}
        return tuple(name for name, model in models.items() if _is_constant(model.probabilities))

    @cached_property
    def constant_words(self) -> str:
        """Return who gives the same output for every image, in words; empty where neither does."""
        if not self.constant:
            return ""
        who = " and ".join(f"the {name}" for name in self.constant)
        return f"{who} {'gives' if len(self.constant) == 1 else 'give'} the same output for every image"


def _is_constant(probabilities: NDArray[np.float64]) -> bool:
    return bool((probabilities[1] == probabilities[0]).all() and (probabilities == probabilities[0]).all())
