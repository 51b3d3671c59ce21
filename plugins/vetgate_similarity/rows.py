"""What differs on each image: distances of the two models' probabilities.

Source of the divergence: J. Lin, "Divergence Measures Based on the Shannon Entropy", IEEE Transactions on Information
Theory 37 (1991), 145-151, with equal weights and base 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Distance

ROWS_AT_ONCE = 2048
"""Images at a time, so that a thousand classes need some tens of megabytes."""
LEAST_STEP = -1.0 + 2.0**-53
"""In place of -1, whose logarithm is infinite where the probability that it is weighed with is 0."""

Floats: TypeAlias = NDArray[np.float64]
Measured: TypeAlias = Callable[[Floats, Floats], Floats]


def js_divergence(candidate: Floats, reference: Floats) -> Floats:
    """Return (N,) the divergence of each pair of rows in bits: 0 is equal, 1 is without a class in common.

    Args:
        candidate: (N, C) probabilities; rows sum to 1, zeros allowed.
        reference: (N, C) probabilities.
    """
    return _in_parts(_js_rows, candidate, reference)


def total_variation(candidate: Floats, reference: Floats) -> Floats:
    """Return (N,) half the L1 distance of each pair of rows: 0 is equal, 1 is without a class in common."""
    return _in_parts(lambda p, q: np.minimum(np.abs(p - q).sum(axis=1) / 2.0, 1.0), candidate, reference)


def euclidean(candidate: Floats, reference: Floats) -> Floats:
    """Return (N,) the Euclidean distance of each pair of rows: 0 is equal, the root of 2 is sure of two classes."""
    return _in_parts(_euclidean_rows, candidate, reference)


def greatest(candidate: Floats, reference: Floats) -> Floats:
    """Return (N,) the greatest difference of any probability of each pair of rows, in [0, 1]."""
    return _in_parts(lambda p, q: np.abs(p - q).max(axis=1), candidate, reference)


def disagreement(candidate: Floats, reference: Floats) -> Floats:
    """Return (N,) 1 where the most probable classes differ, else 0; ties go to the first."""
    differs: Floats = (candidate.argmax(axis=1) != reference.argmax(axis=1)).astype(np.float64)
    return differs


DISTANCES: dict[Distance, tuple[Measured, float]] = {
    Distance.JS_DIVERGENCE: (js_divergence, 1.0),
    Distance.TOTAL_VARIATION: (total_variation, 1.0),
    Distance.L2: (euclidean, math.sqrt(2.0)),
    Distance.DISAGREEMENT: (disagreement, 1.0),
}
"""Each distance with the greatest that it can be on an image."""


def _in_parts(rows: Measured, candidate: Floats, reference: Floats) -> Floats:
    found = np.empty(len(candidate))
    for start in range(0, len(candidate), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        found[part] = rows(candidate[part], reference[part])
    return found


def _js_rows(p: Floats, q: Floats) -> Floats:
    """Return the divergence of rows.

    With d = (p - q) / (p + q), 2 p / (p + q) is 1 + d and 2 q / (p + q) is 1 - d, and log1p keeps the digits of
    near-equal probabilities. A probability of 0 adds 0.
    """
    total = p + q
    step = np.divide(p - q, total, out=np.zeros_like(total), where=total > 0)
    nats = p * np.log1p(np.maximum(step, LEAST_STEP))
    nats += q * np.log1p(np.maximum(-step, LEAST_STEP))
    bits: Floats = np.clip(nats.sum(axis=1) / (2.0 * math.log(2.0)), 0.0, 1.0)
    return bits


def _euclidean_rows(p: Floats, q: Floats) -> Floats:
    step = p - q
    found: Floats = np.minimum(np.sqrt(np.einsum("nc,nc->n", step, step)), math.sqrt(2.0))
    return found
