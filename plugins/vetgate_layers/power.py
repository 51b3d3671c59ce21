"""Signal and noise of tensors that correspond, image by image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Inner
from vetgate_layers.metrics import CAP

if TYPE_CHECKING:
    from vetgate_layers.layer import Pair


def decibels(signal: float, noise: float) -> float:
    """Return 10 log10(signal / noise) within CAP; CAP where there is no noise, -CAP where there is no signal."""
    if noise <= 0:
        return CAP
    return max(-CAP, min(CAP, 10 * (math.log10(signal) - math.log10(noise)))) if signal > 0 else -CAP


@dataclass
class _Range:
    """Least and greatest value of every element over the images."""

    low: NDArray[np.float32] | None = None
    high: NDArray[np.float32] | None = None

    def take(self, values: NDArray[np.float32]) -> None:
        """Take in some more images (N, ...)."""
        low, high = values.min(axis=0), values.max(axis=0)
        self.low = low if self.low is None else np.minimum(self.low, low)
        self.high = high if self.high is None else np.maximum(self.high, high)

    @property
    def constant(self) -> bool:
        """Whether every image gave the same."""
        return self.low is not None and bool(np.array_equal(self.low, np.asarray(self.high)))


@dataclass
class Power:
    """Of one pair of tensors, over the probes."""

    pair: Pair
    signal: NDArray[np.float64]
    """(N,) sum of squares of the reference's tensor."""
    noise: NDArray[np.float64]
    """(N,) sum of squares of the difference."""
    _ours: _Range = field(default_factory=_Range)
    _theirs: _Range = field(default_factory=_Range)

    @property
    def ratio(self) -> float:
        """Decibels over all images."""
        return decibels(float(self.signal.sum()), float(self.noise.sum()))

    @property
    def dead(self) -> bool:
        """Whether the candidate gives the same for every image and the reference does not."""
        return len(self.signal) > 1 and self._ours.constant and not self._theirs.constant

    def take(self, first: int, ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> None:
        """Take in the images (N, ...) from `first` on."""
        rows = slice(first, first + len(ours))
        base = theirs.astype(np.float64).reshape(len(theirs), -1)
        error = ours.astype(np.float64).reshape(len(ours), -1) - base
        self.signal[rows] = np.einsum("ne,ne->n", base, base)
        self.noise[rows] = np.einsum("ne,ne->n", error, error)
        self._ours.take(ours)
        self._theirs.take(theirs)


def measure(pairs: Sequence[Pair], candidate: Inner, reference: Inner, at_once: int) -> tuple[Power, ...]:
    """Return signal and noise of every pair over all probes.

    Args:
        pairs: Tensors that correspond.
        candidate: Its inner tensors.
        reference: Likewise.
        at_once: Images that are held at once.
    """
    images = min(candidate.probes, reference.probes)
    powers = tuple(Power(pair, np.zeros(images), np.zeros(images)) for pair in pairs)
    for first in range(0, images, at_once):
        count = min(at_once, images - first)
        ours = candidate.capture([pair.candidate.name for pair in pairs], first, count)
        theirs = reference.capture([pair.reference.name for pair in pairs], first, count)
        for power in powers:
            power.take(first, ours[power.pair.candidate.name], theirs[power.pair.reference.name])
    return powers
