"""Paired bootstrap of figures that follow from sums over images, resampled over distinct cells of images.

Sources: B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987), for BCa; A. C. Davison, D. V. Hinkley,
"Bootstrap Methods and their Application" (1997), sections 2.7.3 and 5.3, for the jackknife's influence and its
acceleration over strata; J. N. K. Rao, C. F. J. Wu, "Resampling inference with complex survey data", JASA 83 (1988),
for the spread that resampling n of n images loses in small strata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from vetgate.statistics.unseen import UNSEEN

LEVELS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 0.9, 0.95, 0.975, 0.99, 0.995)
"""What is stated unasked, so that a saved report can be judged again at the usual confidences."""
BEYOND = 10
"""Replicates that must lie beyond a level for it to be stated."""
DRAWS_AT_ONCE = 1 << 18
"""Images drawn at a time, so that temporaries stay near the processor: four times as many take 1.3 times as long."""
MANY_A_CELL = 50
"""Images a cell from which a multinomial is drawn faster than one image after the other."""
ROUNDING = 1e-12
"""Replicates this near the estimate are ties with it: sums of the same counts may differ in the last digits."""

Floats: TypeAlias = NDArray[np.float64]
Method: TypeAlias = Literal["BCa", "percentile", "constant"]


@dataclass(frozen=True)
class Resampled:
    """The distribution of K figures' estimates, at L levels."""

    estimate: Floats
    """(K,) the figures of the sample itself."""
    levels: tuple[float, ...]
    """(L,) ascending."""
    values: Floats
    """(K, L) the bound at each level: the one-sided lower bound at 95 % confidence is the value at 0.05."""
    bias: Floats
    """(K,) mean of the replicates less the estimate: less than the estimate's own bias, see widen."""
    methods: tuple[Method, ...]
    """(K,) percentile where the jackknife is degenerate or all replicates lie on one side of the estimate; constant
    where all replicates equal it, so that resampling has nothing to say."""

    @classmethod
    def unbounded(cls, estimate: Floats) -> Resampled:
        """Return the figures (K,) at no level, where nothing was resampled."""
        constant: list[Method] = ["constant"] * len(estimate)
        return cls(estimate, (), np.empty((len(estimate), 0)), np.zeros(len(estimate)), tuple(constant))

    def method(self, figure: int) -> str:
        """Return how one figure was bounded, for the report."""
        return UNSEEN if self.methods[figure] == "constant" else f"{self.methods[figure]} bootstrap"


def bootstrap(
    statistic: Callable[[Floats], Floats],
    design: Any,  # noqa: ANN401  # dense or scipy.sparse, which has no type in common
    sizes: NDArray[np.int64],
    strata: NDArray[np.int64] | None = None,
    *,
    replicates: int = 10_000,
    seed: int = 0,
    levels: Sequence[float] = LEVELS,
) -> Resampled:
    """Return bounds of figures that are functions of T sums over images.

    Images that are alike form one of M cells; both models' answers are part of the cell, so that resampling keeps them
    paired. With strata the quantiles are stretched about the estimate by the spread that resampling loses in small
    strata: a factor of sqrt(n / (n - 1)) where each has n images.

    Args:
        statistic: Maps sums (T, R) of R resamples to figures (K, R), finite. Each stratum's total weight is always the
            sample's, also when an image is left out.
        design: (T, M) what one image of each cell adds to each sum; dense or scipy.sparse (CSR).
        sizes: (M,) images in each cell, at least 1.
        strata: (M,) the stratum of each cell, from 0; each keeps its images. None is one stratum, unstretched.
        replicates: R in all.
        seed: Of the resampling. The same cells in the same order give the same answer.
        levels: Where to state the distribution, in (0, 1); without any nothing is resampled.

    Raises:
        ValueError: A level has too few replicates beyond it, a cell is empty, or a figure is not finite.
    """
    levels = tuple(sorted(set(levels)))
    if not len(sizes) or sizes.min() < 1:
        raise ValueError("every cell needs an image, and there must be a cell")
    check_levels(levels, replicates)
    groups = np.zeros(len(sizes), dtype=np.int64) if strata is None else strata
    totals = design @ sizes.astype(np.float64)
    estimate = statistic(totals[:, np.newaxis])[:, 0]
    if not levels:
        return Resampled.unbounded(estimate)
    values = np.empty((len(estimate), replicates))
    for start, weights in _resamples(sizes, groups, replicates, seed):
        values[:, start : start + weights.shape[1]] = statistic(design @ weights)
    if not (np.isfinite(values).all() and np.isfinite(estimate).all()):
        raise ValueError("a figure of a resample is not finite")
    acceleration, stretch = _influence(statistic, design, sizes, groups, totals, estimate)
    slack = ROUNDING * (1.0 + np.abs(estimate))
    found, methods = resampled_bounds(values, estimate, acceleration, levels, slack)
    if strata is not None:
        found = estimate[:, np.newaxis] + (found - estimate[:, np.newaxis]) * stretch[:, np.newaxis]
    return Resampled(estimate, levels, found, values.mean(axis=1) - estimate, methods)


def attainable_levels(confidences: Sequence[float], replicates: int) -> tuple[float, ...]:
    """Return LEVELS and those of one-sided bounds at the confidences, less those that so few replicates cannot state.

    Args:
        confidences: In (0, 1); both ends are given for each.
        replicates: Of the bootstrap.
    """
    # Rounded, for 1 - 0.95 is not quite 0.05 in floating point.
    wanted = {*LEVELS, *(round(level, 12) for each in confidences for level in (each, 1.0 - each))}
    return tuple(sorted(level for level in wanted if replicates_needed(level) <= replicates))


def replicates_needed(level: float) -> int:
    """Return the least replicates with which a level in (0, 1) can be stated, BEYOND of them beyond it."""
    beyond = min(level, 1.0 - level)
    return int(np.ceil(BEYOND / beyond - 1e-6)) if beyond > 0 else np.iinfo(np.int64).max


def check_levels(levels: Sequence[float], replicates: int) -> None:
    """Refuse levels that lie outside (0, 1) or have too few replicates beyond them.

    Raises:
        ValueError: For the first such level.
    """
    for level in levels:
        if not 0.0 < level < 1.0:
            raise ValueError(f"a level lies in (0, 1), and {level} does not")
        needed = replicates_needed(level)
        if needed > replicates:
            raise ValueError(f"the level {level:.6g} needs {needed:,} replicates, and {replicates:,} were asked for")


def _resamples(
    sizes: NDArray[np.int64], strata: NDArray[np.int64], replicates: int, seed: int
) -> Iterator[tuple[int, Floats]]:
    """Yield the first replicate and the weights (M, R) of each chunk: how often each cell is in a resample."""
    rng = np.random.default_rng(seed)
    images, cells = np.bincount(strata, sizes).astype(np.int64), np.bincount(strata)
    one_by_one = (images <= MANY_A_CELL * cells) & (cells > 1)
    at_once = [np.flatnonzero(strata == group) for group in np.flatnonzero(~one_by_one & (cells > 1)).tolist()]
    drawn = _Drawn.of(sizes, strata, one_by_one)
    chunk = min(max(DRAWS_AT_ONCE // max(len(drawn.cell), len(sizes)), 1), replicates)
    draw = _Draw(drawn, len(sizes), chunk)
    for start in range(0, replicates, chunk):
        count = min(chunk, replicates - start)
        if count < chunk:
            draw = _Draw(drawn, len(sizes), count)
        weights = draw.weights(rng)
        weights += np.where(cells[strata] == 1, sizes, 0)[:, np.newaxis]
        for members in at_once:
            total = int(sizes[members].sum())
            weights[members] = rng.multinomial(total, sizes[members] / total, size=count).T
        yield start, weights


@dataclass(frozen=True)
class _Drawn:
    """Images that are drawn one by one, in the order of their strata."""

    cell: NDArray[np.int64]
    """(I,) the cell of each image."""
    first: NDArray[np.uint64]
    """(I, 1) where the image's stratum begins."""
    width: NDArray[np.uint64]
    """(I, 1) images of its stratum."""

    @classmethod
    def of(cls, sizes: NDArray[np.int64], strata: NDArray[np.int64], chosen: NDArray[np.bool_]) -> _Drawn:
        """Return the images of the chosen strata."""
        order = np.argsort(strata, kind="stable")
        order = order[chosen[strata[order]]]
        cell = np.repeat(order, sizes[order])
        _, start, place, count = np.unique(strata[cell], return_index=True, return_inverse=True, return_counts=True)
        first, width = (part[place].astype(np.uint64)[:, np.newaxis] for part in (start, count))
        return cls(cell, first, width)


class _Draw:
    """Draws resamples again and again into the same memory: fresh memory for each takes half as long again."""

    def __init__(self, images: _Drawn, cells: int, count: int) -> None:
        """Prepare for `count` resamples at a time over `cells` cells."""
        self._images = images
        self._scaled = images.cell * count
        self._within = np.arange(count)
        self._drawn = np.empty((len(images.cell), count), dtype=np.uint64)
        self._places = np.empty((len(images.cell), count), dtype=np.int64)
        self._weights = np.zeros((cells, count))

    def weights(self, rng: np.random.Generator) -> Floats:
        """Return (M, R) how often each cell is drawn, to be used before the next call.

        The high word of a product with 32 random bits strays from fair by n / 2**32.
        """
        drawn, places, weights = self._drawn, self._places, self._weights
        if not len(places):
            weights[:] = 0.0
            return weights
        np.multiply(rng.integers(0, 1 << 32, size=drawn.shape, dtype=np.uint32), self._images.width, out=drawn)
        np.right_shift(drawn, np.uint64(32), out=drawn)
        np.add(drawn, self._images.first, out=drawn)
        # Indices are in range; any mode but "raise" spares a copy of the output.
        np.take(self._scaled, drawn.view(np.int64), out=places, mode="clip")
        np.add(places, self._within, out=places)
        weights[:] = np.bincount(places.ravel(), minlength=weights.size).reshape(weights.shape)
        return weights


def _influence(
    statistic: Callable[[Floats], Floats],
    design: Any,  # noqa: ANN401  # as above
    sizes: NDArray[np.int64],
    strata: NDArray[np.int64],
    totals: Floats,
    estimate: Floats,
) -> tuple[Floats, Floats]:
    """Return the acceleration (K,), NaN where the jackknife is degenerate, and the stretch (K,) for small strata.

    Leaving out one image of a stratum of n, the others weigh n / (n - 1), so that the stratum keeps its total. An image
    that is alone in its stratum has no influence that resampling could see.
    """
    from scipy.sparse import csc_array, csr_array

    images = np.bincount(strata, sizes)
    spread = csr_array((sizes.astype(np.float64), (np.arange(len(sizes)), strata)), shape=(len(sizes), len(images)))
    columns, of_stratum = csc_array(design), csc_array(design @ spread)
    moments = np.zeros((3, len(estimate)))
    movable = np.flatnonzero(images[strata] > 1)
    chunk = max(DRAWS_AT_ONCE // max(len(totals), len(estimate), 1), 1)
    for start in range(0, len(movable), chunk):
        part = movable[start : start + chunk]
        n = images[strata[part]]
        without = of_stratum[:, strata[part]].toarray() - columns[:, part].toarray() * n
        change = estimate[:, np.newaxis] - statistic(totals[:, np.newaxis] + without / (n - 1))
        change[np.abs(change) <= ROUNDING * (1.0 + np.abs(estimate[:, np.newaxis]))] = 0.0
        change *= (n - 1) / n
        weight, square = sizes[part].astype(np.float64), change * change
        moments += np.stack([square @ weight, square @ (weight * n / (n - 1)), (square * change) @ weight])
    plain, unbiased, cube = moments
    seen = plain > 0
    acceleration = np.divide(cube, 6.0 * plain**1.5, out=np.full(len(plain), np.nan), where=seen)
    return acceleration, np.sqrt(np.divide(unbiased, plain, out=np.ones(len(plain)), where=seen))


def resampled_bounds(
    values: Floats, estimate: Floats, acceleration: Floats, levels: tuple[float, ...], slack: Floats
) -> tuple[Floats, tuple[Method, ...]]:
    """Return the values (K, L) at the levels and how each figure's were found; sorts `values` in place.

    Args:
        values: (K, R) the figures of the resamples.
        estimate: (K,) of the sample.
        acceleration: (K,) NaN where there is none.
        levels: (L,) ascending.
        slack: (K,) how near the estimate a replicate is a tie with it.
    """
    values.sort(axis=1)
    count = values.shape[1]
    below = np.count_nonzero(values < (estimate - slack)[:, np.newaxis], axis=1)
    above = np.count_nonzero(values > (estimate + slack)[:, np.newaxis], axis=1)
    with np.errstate(divide="ignore"):
        z = ndtri((below + count - above) / (2.0 * count))[:, np.newaxis]
    wanted = ndtri(np.array(levels))
    stretch = 1.0 - acceleration[:, np.newaxis] * (z + wanted)
    corrected = np.isfinite(z[:, 0]) & np.isfinite(acceleration) & (np.nan_to_num(stretch) > 0).all(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        adjusted = np.where(corrected[:, np.newaxis], ndtr(z + (z + wanted) / stretch), np.array(levels))
    place = adjusted * (count - 1)
    lower = np.minimum(place.astype(np.int64), count - 2) if count > 1 else place.astype(np.int64)
    low, high = (np.take_along_axis(values, np.minimum(lower + step, count - 1), axis=1) for step in (0, 1))
    constant = below + above == 0
    found = np.where(constant[:, np.newaxis], estimate[:, np.newaxis], low + (high - low) * (place - lower))
    names: list[Method] = [
        "constant" if same else "BCa" if full else "percentile" for same, full in zip(constant, corrected, strict=True)
    ]
    return found, tuple(names)
