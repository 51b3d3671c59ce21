"""Class activation maps in closed form: for DELTA, and for candidates whose head is pool and linear.

A. Chattopadhay, A. Sarkar, P. Howlader, V. N. Balasubramanian, "Grad-CAM++: Generalized Gradient-Based Visual
Explanations for Deep Convolutional Networks", WACV 2018, equation 19. Where a score depends on a map by its channel
means alone, its gradient is the same at every position, and the weights need no backward pass through a convolution.
M. B. Muhammad, M. Yeasin, "Eigen-CAM: Class Activation Map using Principal Components", IJCNN 2020, for other heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

ALPHA_EPSILON = 1e-6
"""What pytorch-grad-cam adds to the denominator of alpha. Gradients are divided by h w, so it is not negligible."""
SCALE_EPSILON = 1e-7
"""What it adds to the maximum that a map is divided by."""


@dataclass(frozen=True)
class LinearHead:
    """What maps pooled features to outputs, fitted by least squares."""

    weights: NDArray[np.float64]
    """(C, C_E)"""
    bias: NDArray[np.float64]
    """(C,)"""
    r2: float
    """Share of the outputs' variance that it explains, adjusted for its freedom, at most 1; 1 where the head IS pool
    and linear, 0 where nothing can be told: too few images, or outputs that never vary."""


def delta_maps(maps: Floats, gradients: Floats) -> Floats:
    """Return DELTA's own maps by Grad-CAM++, not scaled yet.

    Args:
        maps: (N, C, h, w) output of the SE block.
        gradients: (N, C) of the score by the channel means.

    Returns:
        (N, h, w), relu(sum_k weight_k A_k) with weight_k = relu(g_k) / (2 + g_k mean A_k). A channel whose denominator
        is not above 0, which takes a negative mean, has no weight: the expansion behind alpha does not hold there.
    """
    means = maps.mean(axis=(2, 3), dtype=np.float64)
    positive = np.maximum(gradients.astype(np.float64), 0.0)
    denominators = 2.0 + positive * means
    weights = np.divide(positive, denominators, out=np.zeros_like(positive), where=denominators > 0)
    return _weighted(maps, weights)


def candidate_maps(maps: Floats, weights: NDArray[np.floating]) -> Floats:
    """Return Grad-CAM++ of a head that is pool and linear, not scaled yet; equal to pytorch-grad-cam.

    Args:
        maps: (N, C_E, h, w)
        weights: (N, C_E) the head's row for the class that each image's map is of.

    Returns:
        (N, h, w), at least 0.
    """
    positions = maps.shape[2] * maps.shape[3]
    gradients = weights.astype(np.float64) / positions
    squares = gradients**2
    sums = maps.sum(axis=(2, 3), dtype=np.float64)
    denominators = 2.0 * squares + sums * squares * gradients + ALPHA_EPSILON
    usable = (gradients != 0) & (denominators != 0)
    alphas = np.divide(squares, denominators, out=np.zeros_like(squares), where=usable)
    return _weighted(maps, positions * np.maximum(gradients, 0.0) * alphas)


def _weighted(maps: Floats, weights: NDArray[np.float64]) -> Floats:
    weighted = np.einsum("nk,nkhw->nhw", weights.astype(np.float32), maps, optimize=True)
    return np.asarray(np.maximum(weighted, 0.0), dtype=np.float32)


def eigen_maps(maps: Floats) -> Floats:
    """Return Eigen-CAM: the map's projection on its first principal component; of no class, and without gradients.

    Args:
        maps: (N, C, h, w)

    Returns:
        (N, h, w), at least 0. A component has no sign of its own: it is turned so that its largest value is positive
        (C.-T. Chung, J. J.-C. Ying, "Seg-Eigen-CAM", Applied Sciences 15(13), 2025, equation 13).
    """
    images, channels, height, width = maps.shape
    rows = maps.reshape(images, channels, height * width).transpose(0, 2, 1).astype(np.float64)
    rows = rows - rows.mean(axis=1, keepdims=True)
    found = np.empty((images, height, width), dtype=np.float32)
    for index, centred in enumerate(rows):
        directions = np.linalg.svd(centred, full_matrices=False)[2]
        projected = centred @ directions[0]
        if abs(projected.min()) > abs(projected.max()):
            projected = -projected
        found[index] = np.maximum(projected, 0.0).reshape(height, width)
    return found


def full_size(maps: Floats, size: tuple[int, int]) -> Floats:
    """Return maps at the size of images, scaled as pytorch-grad-cam scales them: before resizing and again after.

    Args:
        maps: (N, h, w), at least 0.
        size: (H, W) of the images.

    Returns:
        (N, H, W) in [0, 1]; bilinear with half-pixel centres. A map that is the same everywhere becomes 0.
    """
    scaled = _scaled(maps)
    rows, columns = _bilinear(maps.shape[1], size[0]), _bilinear(maps.shape[2], size[1])
    return _scaled(np.einsum("Hh,nhw,Ww->nHW", rows, scaled, columns, optimize=True).astype(np.float32))


def _scaled(maps: Floats) -> Floats:
    raised = maps - maps.min(axis=(1, 2), keepdims=True)
    return np.asarray(raised / (raised.max(axis=(1, 2), keepdims=True) + SCALE_EPSILON), dtype=np.float32)


def _bilinear(source: int, target: int) -> NDArray[np.float64]:
    """Return the (target, source) matrix that resizes along one axis, as OpenCV's INTER_LINEAR does."""
    places = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    below = np.minimum(np.floor(places).astype(np.intp), max(source - 2, 0))
    above = np.minimum(below + 1, source - 1)
    matrix = np.zeros((target, source))
    np.add.at(matrix, (np.arange(target), below), 1.0 - (places - below))
    np.add.at(matrix, (np.arange(target), above), places - below)
    return matrix


def linear_head(pooled: Floats, outputs: NDArray[np.floating]) -> LinearHead:
    """Return the linear map from pooled features to outputs that fits best, and how well it does.

    Args:
        pooled: (N, C_E) means of the feature map over positions.
        outputs: (N, C) logits; or log-probabilities less their mean over classes, which a linear head makes linear too.
    """
    features, targets = pooled.astype(np.float64), outputs.astype(np.float64)
    centre, level = features.mean(axis=0), targets.mean(axis=0)
    spread = features.std(axis=0)
    # channels that never answer would be divided by nothing; they have no weight, and need none
    alive = spread > 1e-6 * max(float(spread.max(initial=0.0)), np.finfo(np.float64).tiny)
    standard = (features[:, alive] - centre[alive]) / spread[alive]
    solution, _, rank, _ = np.linalg.lstsq(standard, targets - level, rcond=None)
    weights = np.zeros((targets.shape[1], features.shape[1]))
    weights[:, alive] = (solution / spread[alive, np.newaxis]).T
    residual = float(np.square(targets - level - standard @ solution).sum())
    total = float(np.square(targets - level).sum())
    freedom = len(features) - int(rank) - 1
    unexplained = residual / total * (len(features) - 1) / freedom if total > 0 and freedom > 0 else 1.0
    return LinearHead(weights, level - weights @ centre, 1.0 - unexplained)
