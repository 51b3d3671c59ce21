"""Distances between models as functions, exact, and what puts them into the plane. Pure arithmetic.

Sources: S. Fort, H. Hu, B. Lakshminarayanan, "Deep Ensembles: A Loss Landscape Perspective" (2019), section 3; J. Lin,
"Divergence Measures Based on the Shannon Entropy", IEEE Transactions on Information Theory 37 (1991), 145-151; D. M.
Endres, J. E. Schindelin, "A New Metric for Probability Distributions", the same 49 (2003), 1858-1860: the square root
of the Jensen-Shannon divergence is a metric; W. S. Torgerson, "Multidimensional Scaling: I. Theory and Method",
Psychometrika 17 (1952), 401-419.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py

from vetgate.domain.landscape import Landscape, Matrix, Point
from vetgate.domain.report import DataSummary

Array = NDArray[np.float64]

AT_ONCE = 4096
"""Probabilities of one model at a time: those of 60 models, and their mixtures, stay in a processor's cache."""
_NEAR = 1e-4
"""Squared distances below this share of both models' own are taken anew from the difference: the Gram matrix has lost
more than 1e-11 of them."""
_WHOLE = 1.0 - 2.0**-53
_ALIKE = 1e-5
"""Bits. Divergences below are taken anew from ratios: a difference of entropies has lost more than 1e-9 of them."""


def landscape_of(points: Sequence[Point], matrices: Sequence[Array], data: DataSummary, seed: int) -> Landscape:
    """Return the landscape of models, not drawn yet.

    Args:
        points: (P,) at least two.
        matrices: (P,) probabilities (N, C) of each model for the same images in the same order.
        data: The images.
        seed: Of whoever draws it.

    Raises:
        ValueError: The matrices are not of one shape, or hold what is no probability.
    """
    if len(points) != len(matrices):
        raise ValueError(f"{len(points)} points need {len(points)} matrices, not {len(matrices)}")
    euclidean, divergence = distances(matrices)
    return Landscape(
        data=data.name,
        data_sha256=data.sha256,
        images=matrices[0].shape[0],
        classes=matrices[0].shape[1],
        points=tuple(points),
        euclidean=_rows(euclidean),
        divergence=_rows(divergence),
        seed=seed,
    )


def distances(matrices: Sequence[Array]) -> tuple[Array, Array]:
    """Return the distances of all pairs of models, both (P, P), symmetric, with a diagonal of 0.

    Args:
        matrices: (P,) probabilities (N, C); rows sum to 1, zeros allowed. They are read a few images at a time.

    Returns:
        Euclidean distances of the flattened matrices, and mean Jensen-Shannon divergences of the rows in bits (0 is
        equal, 1 is without a class in common).

    Raises:
        ValueError: The matrices are not of one shape, or hold what is no probability.
    """
    _require_alike(matrices)
    gram, entropy = _sums(matrices)
    images = matrices[0].shape[0]
    own = np.diag(gram)
    squared = np.maximum(own[:, None] + own[None, :] - 2 * gram, 0.0)
    single = np.diag(entropy)
    divergence = (entropy - (single[:, None] + single[None, :]) / 2) / images
    near = squared < _NEAR * (own[:, None] + own[None, :])
    alike = divergence < _ALIKE
    for one, other in np.argwhere(np.triu(near | alike, 1)).tolist():
        if near[one, other]:
            squared[one, other] = squared[other, one] = _squared(matrices[one], matrices[other])
        if alike[one, other]:
            divergence[one, other] = divergence[other, one] = _divergence(matrices[one], matrices[other])
    for matrix in (squared, divergence):
        np.fill_diagonal(matrix, 0.0)
    return np.sqrt(squared), np.clip(divergence, 0.0, 1.0)


def _require_alike(matrices: Sequence[Array]) -> None:
    shapes = sorted({matrix.shape for matrix in matrices})
    if len(matrices) < 2:
        raise ValueError("distances are between two models at least")
    if len(shapes) != 1 or len(shapes[0]) != 2 or 0 in shapes[0]:
        told = " and ".join(" x ".join(map(str, shape)) for shape in shapes)
        raise ValueError(f"models must answer the same images with the same classes; their answers are {told}")
    for matrix in matrices:
        if not (matrix.min() >= 0.0 and matrix.max() <= 1.0 + 1e-9):  # not a number fails both
            raise ValueError("a model's answers are no probabilities")


def _parts(matrices: Sequence[Array]) -> Iterator[Array]:
    """Yield the flattened matrices (P, n), a few images at a time."""
    images, classes = matrices[0].shape
    step = max(1, AT_ONCE // classes)
    for start in range(0, images, step):
        yield np.stack([matrix[start : start + step].ravel() for matrix in matrices], dtype=np.float64)


def _sums(matrices: Sequence[Array]) -> tuple[Array, Array]:
    """Return the Gram matrix (P, P) about the models' mean, and the entropies (P, P) of all mixtures in bits, summed.

    The mean is taken off so that distances, small beside the length of the vectors, are not lost in a difference.
    """
    size = len(matrices)
    gram, entropy = np.zeros((size, size)), np.zeros((size, size))
    for part in _parts(matrices):
        centred = part - part.mean(axis=0)
        gram += centred @ centred.T
        for row in range(size):
            mixed = (part[row:] + part[row]) / 2
            logs = np.log2(np.maximum(mixed, np.finfo(np.float64).tiny))  # a probability of 0 adds 0
            entropy[row, row:] -= np.einsum("ij,ij->i", mixed, logs)
    return gram, np.triu(entropy) + np.triu(entropy, 1).T


def _squared(one: Array, other: Array) -> float:
    """Return the squared Euclidean distance of two matrices, from their difference."""
    return math.fsum(float(np.vdot(step, step)) for step in (left - right for left, right in _parts((one, other))))


def _divergence(one: Array, other: Array) -> float:
    """Return the mean divergence of two matrices' rows in bits.

    With d = (p - q) / (p + q), 2 p / (p + q) is 1 + d and 2 q / (p + q) is 1 - d, and log1p keeps the digits of
    near-equal probabilities.
    """
    sums = []
    for p, q in _parts((one, other)):
        total = p + q
        step = np.divide(p - q, total, out=np.zeros_like(total), where=total > 0)
        near = np.clip(step, -_WHOLE, _WHOLE)  # the logarithm at -1 is infinite, also where it is weighed with 1e-17
        sums.append(float((xlog1py(p, near) + xlog1py(q, -near)).sum()))
    return math.fsum(sums) / (2.0 * math.log(2.0)) / len(one)


@dataclass(frozen=True)
class Principal:
    """Points by their principal axes, the longest first."""

    coordinates: Array
    """(P, K) about their mean, K at least 2; its distances are those given, where a Euclidean space has them."""
    eigenvalues: Array
    """(P,) of the Gram matrix, descending; negative ones are of distances that no Euclidean space has."""

    @property
    def shown(self) -> float:
        """Share in [0, 1] of all squared distances that the first two axes show; 1 where there are none."""
        whole = float(np.maximum(self.eigenvalues, 0.0).sum())
        return float(np.maximum(self.eigenvalues[:2], 0.0).sum()) / whole if whole > 0 else 1.0

    @property
    def negative(self) -> float:
        """Share in [0, 1] of the eigenvalues' sum of magnitudes that is negative, and left out."""
        whole = float(np.abs(self.eigenvalues).sum())
        return float(np.maximum(-self.eigenvalues, 0.0).sum()) / whole if whole > 0 else 0.0


def principal_coordinates(distances: Array | Matrix) -> Principal:
    """Return coordinates of points whose distances are given: classical scaling, exact PCA of the points themselves.

    The Gram matrix is that of the distances, so that a model's N * C numbers are never needed. Of both signs that an
    axis may have, that with the larger coordinate above 0 is taken.

    Args:
        distances: (P, P), symmetric.
    """
    squared = np.asarray(distances, dtype=np.float64) ** 2
    gram = -(squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean()) / 2
    values, axes = np.linalg.eigh((gram + gram.T) / 2)
    values, axes = values[::-1], axes[:, ::-1]
    kept = max(2, int(np.count_nonzero(values > len(values) * np.finfo(np.float64).eps * max(float(values[0]), 0.0))))
    coordinates = axes[:, :kept] * np.sqrt(np.maximum(values[:kept], 0.0))
    ends = coordinates[np.abs(coordinates).argmax(axis=0), np.arange(coordinates.shape[1])]
    return Principal(coordinates * np.where(ends < 0, -1.0, 1.0), values)


def rank_correlation(coordinates: Array, distances: Array | Matrix) -> float | None:
    """Return Spearman's correlation in [-1, 1] of drawn with true distances, over all pairs of points.

    1 means that the picture keeps the order of all distances. None where either are all equal, as with two points.

    Args:
        coordinates: (P, 2) where the points are drawn.
        distances: (P, P) true ones.
    """
    above = np.triu_indices(len(coordinates), 1)
    drawn = np.hypot(*np.moveaxis(coordinates[above[0]] - coordinates[above[1]], 1, 0))
    one, other = _ranks(drawn), _ranks(np.asarray(distances, dtype=np.float64)[above])
    one, other = one - one.mean(), other - other.mean()
    length = math.sqrt(float(one @ one) * float(other @ other))
    return min(max(float(one @ other) / length, -1.0), 1.0) if length > 0 else None


def _ranks(values: Array) -> Array:
    """Return ranks from 1; equal values share their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def _rows(matrix: Array) -> Matrix:
    return tuple(tuple(row) for row in matrix.tolist())
