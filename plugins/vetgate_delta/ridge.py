"""Ridge regression from the candidate's features to what DELTA must add to them, as far as they can give it.

Its penalty is chosen by generalised cross-validation: Golub, Heath and Wahba, "Generalized Cross-Validation as a Method
for Choosing a Good Ridge Parameter" (1979).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vetgate_delta.network import Ridge

PENALTIES = 10.0 ** np.arange(-6, 3)
"""Tried, as shares of the features' mean variance."""


def fit_ridge(given: NDArray[np.float32], target: NDArray[np.float32]) -> Ridge:
    """Return the affine map of least penalised squared error.

    Args:
        given: (N, C_E), at least two rows.
        target: (N, D_B).
    """
    inputs, wanted = given.astype(np.float64), target.astype(np.float64)
    center, middle = inputs.mean(axis=0), wanted.mean(axis=0)
    spread = inputs.std(axis=0)
    spread[spread <= 1e-9 * max(float(spread.max(initial=0.0)), 1e-300)] = np.inf  # a dead channel says nothing
    scaled, rest = (inputs - center) / spread, wanted - middle
    squares, axes = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    squares = np.maximum(squares, 0.0)
    along = axes.T @ (scaled.T @ rest) / len(scaled)
    penalty = _least(squares, along, float(np.square(rest).sum() / len(rest)), len(rest))
    weight = (axes @ (along / (squares + penalty)[:, None])).T / spread
    bias = middle - weight @ center
    return Ridge(torch.from_numpy(weight.astype(np.float32)), torch.from_numpy(bias.astype(np.float32)))


def _least(squares: NDArray[np.float64], along: NDArray[np.float64], power: float, count: int) -> float:
    """Return the penalty with the least generalised cross-validation error.

    Args:
        squares: (C_E,) eigenvalues of the features' correlations.
        along: (C_E, D_B) of the features' correlations with the target, along the eigenvectors.
        power: Mean square of the target, summed over its features.
        count: Images.
    """
    found = np.square(along).sum(axis=1)
    best, least = float(PENALTIES[-1]), np.inf
    for penalty in PENALTIES:
        shrunk = squares + penalty
        error = power - float((found * (2 / shrunk - squares / shrunk**2)).sum())
        freedom = 1 - (1 + float((squares / shrunk).sum())) / count
        if freedom <= 0:
            continue
        if error / freedom**2 < least:
            best, least = float(penalty), error / freedom**2
    return best
