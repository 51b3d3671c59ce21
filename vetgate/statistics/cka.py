"""Debiased linear centred kernel alignment, and what it is without each image.

Sources: S. Kornblith, M. Norouzi, H. Lee, G. Hinton, "Similarity of Neural Network Representations Revisited" (2019),
equation 3, for the alignment; T. Nguyen, M. Raghu, S. Kornblith, "Do Wide and Deep Networks Learn the Same Things?"
(2021), equation 3, for the unbiased HSIC_1 of L. Song et al. (2012) in it: without it, unrelated features of 512
dimensions on 512 images score 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_IMAGES = 5
"""HSIC_1 needs four; without one of them there must still be four."""

_ROUNDING = 1e-9
"""Of an HSIC of features whose spread is 1: what is 0 comes out as a few times the least difference of two numbers, of
either sign, depending on the order of the sums."""


def debiased_cka(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Return the debiased linear CKA of two sets of features, in [-1, 1].

    1 is the same up to rotation, scale and shift; unrelated features give 0 in expectation, whatever N and D.

    Args:
        x: (N, D) features of N images, finite; N at least 5.
        y: (N, E) features of the same images.

    Raises:
        ValueError: Too few images, or one side says nothing: its features are the same for every image, or differ by
            no more than chance would have them.
    """
    sides = _paired(x, y)
    return float(_alignment(*(_Sums.of(left, right).hsic() for left, right in sides)))


def jackknife_cka(x: NDArray[np.floating], y: NDArray[np.floating]) -> Floats:
    """Return (N,) the debiased linear CKA without each image, exact and in one pass: O(N D E).

    Args:
        x: (N, D), as for `debiased_cka`.
        y: (N, E)

    Raises:
        ValueError: As for `debiased_cka`, also where one image alone makes the difference.
    """
    sides = _paired(x, y)
    return _alignment(*(_Sums.of(left, right).hsic_without() for left, right in sides))


def cka_and_without(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[float, Floats]:
    """Return the debiased linear CKA, and (N,) what it is without each image: both in the time of the latter.

    Args:
        x: (N, D), as for `debiased_cka`.
        y: (N, E)

    Raises:
        ValueError: As for `debiased_cka`.
    """
    sums = [_Sums.of(left, right) for left, right in _paired(x, y)]
    return float(_alignment(*(each.hsic() for each in sums))), _alignment(*(each.hsic_without() for each in sums))


def _paired(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[tuple[Floats, Floats], ...]:
    """Return (x, y), (x, x) and (y, y), centred and brought to a spread of 1: neither changes the alignment."""
    if len(x) != len(y) or x.ndim != 2 or y.ndim != 2:
        raise ValueError(f"features {x.shape} and {y.shape} are not of the same images")
    if len(x) < LEAST_IMAGES:
        raise ValueError(f"alignment needs {LEAST_IMAGES} images, and there are {len(x)}")
    left, right = _standard(x), _standard(y)
    return (left, right), (left, left), (right, right)


def _standard(features: NDArray[np.floating]) -> Floats:
    values = np.asarray(features, dtype=np.float64)
    if (values == values[0]).all():
        raise ValueError("the features are the same for every image, so they align with nothing")
    centred: Floats = values - values.mean(axis=0)
    spread = float(np.sqrt(np.mean(np.square(centred))))
    if spread <= 1e-12 * float(np.abs(values).max()):
        raise ValueError("the features are the same for every image but for rounding, so they align with nothing")
    return np.asarray(centred / spread)


def _alignment(between: Floats, first: Floats, second: Floats) -> Floats:
    """Return HSIC(x, y) / sqrt(HSIC(x, x) HSIC(y, y))."""
    if not (np.all(first > _ROUNDING) and np.all(second > _ROUNDING)):
        raise ValueError("the features of one side differ by no more than chance would have them")
    return np.asarray(np.clip(between / np.sqrt(first * second), -1.0, 1.0))


@dataclass(frozen=True)
class _Sums:
    """Sums over the Gram matrices K = X X' and L = Y Y' without their diagonals, which are never built."""

    trace: float
    """Sum of K_ij L_ij."""
    rows_x: Floats
    """(N,) row sums of K."""
    rows_y: Floats
    shared: Floats
    """(N,) sum over j of K_ij L_ij."""
    cross_x: Floats
    """(N,) sum over j of K_ij times row sum j of L."""
    cross_y: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats) -> _Sums:
        """Return the sums of centred features (N, D) and (N, E)."""
        own_x, own_y = np.einsum("nd,nd->n", x, x), np.einsum("nd,nd->n", y, y)
        rows_x, rows_y = x @ x.sum(axis=0) - own_x, y @ y.sum(axis=0) - own_y
        shared = np.einsum("nd,nd->n", x @ (x.T @ y), y) - own_x * own_y
        cross_x, cross_y = x @ (x.T @ rows_y) - own_x * rows_y, y @ (y.T @ rows_x) - own_y * rows_x
        return cls(float(shared.sum()), rows_x, rows_y, shared, cross_x, cross_y)

    def hsic(self) -> Floats:
        """Return HSIC_1 of all images."""
        total_x, total_y = self.rows_x.sum(), self.rows_y.sum()
        return _hsic(len(self.rows_x), np.asarray(self.trace), total_x * total_y, self.rows_x @ self.rows_y)

    def hsic_without(self) -> Floats:
        """Return (N,) HSIC_1 of all images but one."""
        total_x, total_y = self.rows_x.sum(), self.rows_y.sum()
        trace = self.trace - 2 * self.shared
        product = (total_x - 2 * self.rows_x) * (total_y - 2 * self.rows_y)
        own = self.rows_x * self.rows_y
        chained = self.rows_x @ self.rows_y - own - self.cross_x - self.cross_y + self.shared
        return _hsic(len(self.rows_x) - 1, trace, product, chained)


def _hsic(n: int, trace: Floats, product: Floats, chained: Floats) -> Floats:
    """Return HSIC_1 of n images from the sum of K L, the product of the two total sums, and the sum of K L 1."""
    return np.asarray((trace + product / ((n - 1) * (n - 2)) - 2 * chained / (n - 2)) / (n * (n - 3)))
