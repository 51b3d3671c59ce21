"""Distances of two models' probabilities, image by image.

Sources: J. Lin, "Divergence Measures Based on the Shannon Entropy", IEEE Transactions on Information Theory 37 (1991),
145-151, with equal weights and base 2; I. F. Mason-Williams, "Bro changed :( Compression: A Functional Perspective",
section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vetgate.domain.yardstick import Distance

Rows = NDArray[np.float64]

ROWS_AT_ONCE = 2048
"""Images at a time, so that a thousand classes need some tens of megabytes."""
LEAST_STEP = -1.0 + 2.0**-53
"""In place of -1, whose logarithm is infinite: a probability 1e-17 of the other one adds next to nothing."""
FARTHEST = {
    Distance.JS_DIVERGENCE: 1.0,
    Distance.TOTAL_VARIATION: 1.0,
    Distance.L2: math.sqrt(2.0),
    Distance.DISAGREEMENT: 1.0,
}
"""The greatest that each distance can be on an image."""


def row_distances(distance: Distance, one: Rows, other: Rows) -> Rows:
    """Return (N,) the distance of each pair of rows, from 0 for equal ones to FARTHEST.

    Args:
        distance: Which; for disagreement ties go to the first class.
        one: (N, C) probabilities; rows sum to 1, zeros allowed.
        other: (N, C) probabilities.
    """
    return np.minimum(_in_parts(_ROWS[distance], one, other), FARTHEST[distance])


def greatest_differences(one: Rows, other: Rows) -> Rows:
    """Return (N,) the greatest difference of any probability of each pair of rows (N, C), in [0, 1]."""
    return _in_parts(lambda p, q: np.abs(p - q).max(axis=1), one, other)


def _in_parts(rows: Callable[[Rows, Rows], Rows], one: Rows, other: Rows) -> Rows:
    found = np.empty(len(one))
    for start in range(0, len(one), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        found[part] = rows(one[part], other[part])
    return found


def _divergence(p: Rows, q: Rows) -> Rows:
    """Return the Jensen-Shannon divergence of rows in bits.

    With d = (p - q) / (p + q), 2 p / (p + q) is 1 + d and 2 q / (p + q) is 1 - d, and log1p keeps the digits of
    near-equal probabilities. A probability of 0 adds 0.
    """
    total = p + q
    step = np.divide(p - q, total, out=np.zeros_like(total), where=total > 0)
    nats = p * np.log1p(np.maximum(step, LEAST_STEP))
    nats += q * np.log1p(np.maximum(-step, LEAST_STEP))
    bits: Rows = np.maximum(nats.sum(axis=1) / (2.0 * math.log(2.0)), 0.0)
    return bits


def _variation(p: Rows, q: Rows) -> Rows:
    halves: Rows = 0.5 * np.abs(p - q).sum(axis=1)
    return halves


def _euclidean(p: Rows, q: Rows) -> Rows:
    step = p - q
    lengths: Rows = np.sqrt(np.einsum("nc,nc->n", step, step))
    return lengths


def _disagreement(p: Rows, q: Rows) -> Rows:
    apart: Rows = (p.argmax(axis=1) != q.argmax(axis=1)).astype(np.float64)
    return apart


_ROWS = {
    Distance.JS_DIVERGENCE: _divergence,
    Distance.TOTAL_VARIATION: _variation,
    Distance.L2: _euclidean,
    Distance.DISAGREEMENT: _disagreement,
}
