"""A model small enough to check by hand: one linear layer on flattened images, in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Card, Input, Output
from vetgate.domain.model import Execution
from vetgate.domain.predictions import Predictions, PredictionTable

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LinearModel:
    """Logits = flattened image @ weight + bias. Implements Model.

    Args:
        weight: (height * width * channels, C) float32.
        bias: (C,) float32.
    """

    def __init__(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        self.weight, self.bias = weight, bias

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return Execution(runtime="numpy", version=np.__version__, provider="cpu", threads=1, precision="float32")

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (N, C).

        Args:
            images: (N, C, H, W) or (N, H, W, C); flattened as they come.
        """
        return np.asarray(images.reshape(len(images), -1) @ self.weight + self.bias, dtype=np.float32)


def toy_card(height: int = 4, width: int = 4, classes: tuple[str, ...] | None = None) -> Card:
    """Return the card of a toy model on grey images whose pixels go in as 0 to 1."""
    return Card(
        version=1,
        input=Input(
            size=(height, width), resize="none", colour="grey", scale=1 / 255, mean=(0.0,), std=(1.0,), layout="NCHW"
        ),
        output=Output(kind="logits", classes=classes),
    )


def toy_table(
    labels: list[int] | None, candidate: list[int], reference: list[int], classes: int, certainty: float = 0.9
) -> PredictionTable:
    """Return a prediction table with the answers given, each with probability `certainty`.

    Args:
        labels: (N,) or None.
        candidate: (N,) answers of the candidate.
        reference: (N,) answers of the reference.
        classes: C, at least 2.
        certainty: Probability of each answer; the others share the rest.
    """

    def predictions(answers: list[int]) -> Predictions:
        wanted = np.asarray(answers, dtype=np.int64)
        probabilities = np.full((len(answers), classes), (1 - certainty) / (classes - 1))
        probabilities[np.arange(len(answers)), wanted] = certainty
        return Predictions(np.log(probabilities).astype(np.float32), probabilities, wanted)

    ids = [f"image{index}" for index in range(len(candidate))]
    known = None if labels is None else np.asarray(labels, dtype=np.int64)
    names = tuple(f"class{index}" for index in range(classes))
    return PredictionTable(ids, known, names, predictions(candidate), predictions(reference))
