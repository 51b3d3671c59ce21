"""The functional landscape: models as points, near where they answer alike.

Sources: S. Fort, H. Hu, B. Lakshminarayanan, "Deep Ensembles: A Loss Landscape Perspective" (2019); I. F.
Mason-Williams, "Bro changed :( Compression: A Functional Perspective", section 2.4.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Protocol, Self

from pydantic import Field, PositiveInt, model_validator

from vetgate.domain.record import Record

Matrix = tuple[tuple[float, ...], ...]


class Part(StrEnum):
    """What a point is in the picture."""

    REFERENCE = "reference"
    CANDIDATE = "candidate"
    VARIANT = "variant"
    """One of a family of compressed models."""
    INDEPENDENT = "independent"
    CHECKPOINT = "checkpoint"
    """A model on its way through a training run."""


class Point(Record):
    """One model: its whole output matrix as one vector."""

    name: str
    part: Part
    family: str = ""
    """What it is grouped and coloured by, such as `L1 pruning`."""
    run: str = ""
    """Training run: a line joins the points of one run in the order of `step`."""
    step: int = 0
    sha256: str | None = None
    accuracy: float | None = None
    """Top-1 in [0, 1]; None for data without labels."""


class Embedding(Record):
    """Where the points are drawn. Only within one picture do distances mean anything."""

    method: str
    """Such as `t-SNE` or `classical scaling`."""
    of: str
    """The distances that it draws, in words."""
    coordinates: tuple[tuple[float, float], ...]
    """(P, 2)"""
    rank_correlation: float | None
    """Spearman's, of the drawn with the true distances `of`, in [-1, 1]; None where either are all equal."""
    settings: dict[str, float | int | str] = {}
    """Such as perplexity and seed."""


class Landscape(Record):
    """Points and the true distances between them, exact, over the same images."""

    schema_version: Literal[1] = 1
    data: str
    """The data set as typed."""
    data_sha256: str
    images: PositiveInt
    classes: PositiveInt
    points: Annotated[tuple[Point, ...], Field(min_length=2)]
    euclidean: Matrix
    """(P, P) Euclidean distances of the flattened probabilities (N * C)."""
    divergence: Matrix
    """(P, P) mean Jensen-Shannon divergence of the rows, bits; its square root is a distance."""
    embeddings: tuple[Embedding, ...] = ()
    """The first is the one that was asked for."""
    seed: int

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.points)
        for matrix in (self.euclidean, self.divergence):
            if len(matrix) != size or any(len(row) != size for row in matrix):
                raise ValueError(f"{size} points need matrices of {size} x {size}")
        if any(len(embedding.coordinates) != size for embedding in self.embeddings):
            raise ValueError(f"{size} points need {size} coordinates")
        return self


class Embedder(Protocol):
    """Puts points into the plane."""

    def embed(self, landscape: Landscape) -> Embedding:
        """Return coordinates for every point, by the landscape's seed; the same landscape gives the same answer.

        Raises:
            Inconclusive: There are too few points for it.
        """
        ...
