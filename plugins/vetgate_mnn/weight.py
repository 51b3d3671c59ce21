"""Figures of stored tensors, taken after de-quantisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vetgate_runtime.mnn_weight import Stored

from vetgate.api import Tensor


def figures(name: str, stored: Stored) -> Tensor:
    """Return what is told of one tensor."""
    numbers = whole(stored)
    zeros = zero_points(stored)
    parts = numbers.reshape(len(zeros), -1) if zeros is not None and numbers.size % len(zeros) == 0 else numbers
    nonzero = parts != (zeros[:, np.newaxis] if zeros is not None and parts.ndim > 1 else 0)
    return Tensor(
        name=name,
        shape=stored.shape,
        dtype=stored.dtype if stored.dtype != "table" else f"int{stored.bits}",
        kind=stored.kind,
        elements=stored.elements,
        nonzero=int(np.count_nonzero(nonzero)),
        distinct=int(np.unique(numbers).size),
        bits=float(stored.bits),
    )


def whole(stored: Stored) -> NDArray[np.generic]:
    """Return a tensor's numbers as stored, flat; packed ones as what they stand for."""
    if stored.dtype == "bfloat16":
        return np.frombuffer(stored.data, np.uint16)
    if stored.dtype != "table":
        return np.frombuffer(stored.data, np.dtype(stored.dtype))
    bits, count = stored.bits, stored.elements
    packed = np.frombuffer(stored.data, np.uint8, count=-(-count * bits // 8))
    ones = np.unpackbits(packed)[: count * bits].reshape(count, bits)  # the first bit is the highest
    places = np.packbits(ones, axis=1).ravel() >> (8 - bits)
    numbers: NDArray[np.int8] = np.asarray(stored.table, np.int8)[np.minimum(places, len(stored.table) - 1)]
    return numbers


def zero_points(stored: Stored) -> NDArray[np.int64] | None:
    """Return which stored number of each part stands for zero; None where it is 0 throughout."""
    if not stored.pairs or not stored.scales:
        return None
    least, scale = np.frombuffer(stored.scales, np.float32).astype(np.float64).reshape(-1, 2).T
    lowest = stored.least if stored.least else -128
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.where(scale == 0, 0.0, lowest - least / scale)
    return np.asarray(np.round(np.nan_to_num(places)), np.int64)


def values(stored: Stored) -> NDArray[np.float64]:
    """Return what a tensor's numbers stand for, flat."""
    numbers = whole(stored).astype(np.float64)
    if not stored.scales:
        return numbers
    scales = np.frombuffer(stored.scales, np.float32).astype(np.float64)
    if not stored.pairs:
        return np.asarray((numbers.reshape(len(scales), -1) * scales[:, np.newaxis]).ravel())
    least, scale = scales.reshape(-1, 2).T
    lowest = stored.least if stored.least else -128
    parts = numbers.reshape(len(scale), -1)
    return np.asarray(((parts - lowest) * scale[:, np.newaxis] + least[:, np.newaxis]).ravel())
