"""Paired bootstrap of figures of which every image is a cell of its own, such as means of distances.

The resamples follow from the number of images, the seed and the number of replicates alone. They are therefore drawn
once and kept while candidate after candidate is compared on as many images, and every group of as many images, such as
a class, has the same ones. Groups are bounded each on its own, so that this costs nothing.

Sources: as for vetgate.statistics.bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vetgate.statistics.bootstrap import LEVELS, ROUNDING, Floats, Resampled, check_levels, resampled_bounds

WEIGHTS_AT_ONCE = 1 << 20
"""Images times replicates of one draw: 1 MB as it is kept, 4 MB as it is used."""
DRAWS_KEPT = 256
"""Hence at most 256 MB are kept: 10,000 replicates of 10,000 images twice over."""
FIGURES_AT_ONCE = 1 << 23
"""Figures times images that the jackknife holds together."""
NEAR = 1e-5
"""Replicates nearer to the estimate than this share of their spread are ties with it, as single precision goes."""


def bootstrap_images(
    statistic: Callable[[Floats], Floats],
    design: Any,  # noqa: ANN401  # dense or scipy.sparse, which has no type in common
    *,
    replicates: int = 10_000,
    seed: int = 0,
    levels: Sequence[float] = LEVELS,
) -> Resampled:
    """Return bounds of figures that are functions of T sums over n images.

    The quantiles are stretched about the estimate by sqrt(n / (n - 1)), the spread that resampling n of n loses.
    Several groups of n images each may be bounded together, their sums one below the other, if no figure mixes them.

    Args:
        statistic: Maps sums (T, R) of R resamples to figures (K, R), finite, column by column.
        design: (T, n) what each image adds to each sum: dense, summed in single precision about its mean; or
            scipy.sparse (CSR) of ones, summed exactly. The same rows in the same order give the same answer, so put the
            images into an order of their own first where theirs should not matter.
        replicates: R in all.
        seed: Of the resampling.
        levels: Where to state the distribution, in (0, 1); without any nothing is resampled.

    Raises:
        ValueError: A level has too few replicates beyond it, there is no image, or a figure is not finite.
    """
    levels = tuple(sorted(set(levels)))
    check_levels(levels, replicates)
    n = design.shape[1]
    if not n:
        raise ValueError("there must be an image")
    totals = np.asarray(design @ np.ones(n))
    estimate = statistic(totals[:, np.newaxis])[:, 0]
    if not levels:
        return Resampled.unbounded(estimate)
    values = np.empty((len(estimate), replicates))
    summed = _sums(design, totals)
    for start, weights in _resamples(n, replicates, seed):
        values[:, start : start + weights.shape[1]] = statistic(summed(weights))
    if not (np.isfinite(values).all() and np.isfinite(estimate).all()):
        raise ValueError("a figure of a resample is not finite")
    acceleration = _acceleration(statistic, design, totals, estimate)
    slack = NEAR * values.std(axis=1) + ROUNDING * (1.0 + np.abs(estimate))
    bias = values.mean(axis=1) - estimate
    found, methods = resampled_bounds(values, estimate, acceleration, levels, slack)
    if n > 1:
        found = estimate[:, np.newaxis] + (found - estimate[:, np.newaxis]) * np.sqrt(n / (n - 1))
    return Resampled(estimate, levels, found, bias, methods)


def _sums(design: Any, totals: Floats) -> Callable[[NDArray[np.float32]], Floats]:  # noqa: ANN401  # as above
    """Return what maps weights (n, R) to sums (T, R)."""
    if not isinstance(design, np.ndarray):
        exact = design.astype(np.float32)
        return lambda weights: np.asarray(exact @ weights, dtype=np.float64)
    n = design.shape[1]
    centred = (design - totals[:, np.newaxis] / n).astype(np.float32)
    return lambda weights: totals[:, np.newaxis] + (centred @ weights)


def _resamples(n: int, replicates: int, seed: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the first replicate and the weights (n, R) of each draw: how often each image is in a resample.

    They stand in the same memory each time, so use them before the next.
    """
    chunk = min(max(WEIGHTS_AT_ONCE // n, 1), replicates)
    memory = np.empty((n, chunk), dtype=np.float32)
    draw = _drawn if n <= WEIGHTS_AT_ONCE else _drawn.__wrapped__
    for start in range(0, replicates, chunk):
        count = min(chunk, replicates - start)
        weights = memory if count == chunk else np.empty((n, count), dtype=np.float32)
        np.copyto(weights, draw(n, count, seed, start))
        yield start, weights


@lru_cache(maxsize=DRAWS_KEPT)
def _drawn(n: int, count: int, seed: int, start: int) -> NDArray[np.uint8]:
    """Return (n, R) how often each image is drawn; of so many images none is drawn 256 times."""
    rng = np.random.default_rng((seed, n, start))
    places = rng.integers(0, n, size=(n, count), dtype=np.int64)
    places *= count
    places += np.arange(count)
    return np.bincount(places.ravel(), minlength=n * count).reshape(n, count).astype(np.uint8)


def _acceleration(
    statistic: Callable[[Floats], Floats],
    design: Any,  # noqa: ANN401  # as above
    totals: Floats,
    estimate: Floats,
) -> Floats:
    """Return the acceleration (K,) of the jackknife, NaN where no image moves the figure."""
    n = design.shape[1]
    square, cube = np.zeros(len(estimate)), np.zeros(len(estimate))
    chunk = max(FIGURES_AT_ONCE // max(len(totals), 1), 1)
    for start in range(0, n if n > 1 else 0, chunk):
        part = design[:, start : start + chunk]
        columns = part if isinstance(part, np.ndarray) else part.toarray()
        change = estimate[:, np.newaxis] - statistic((totals[:, np.newaxis] - columns) * (n / (n - 1)))
        change[np.abs(change) <= ROUNDING * (1.0 + np.abs(estimate[:, np.newaxis]))] = 0.0
        square += np.einsum("kn,kn->k", change, change)
        cube += np.einsum("kn,kn,kn->k", change, change, change)
    found: Floats = np.divide(cube, 6.0 * square**1.5, out=np.full(len(square), np.nan), where=square > 0)
    return found
