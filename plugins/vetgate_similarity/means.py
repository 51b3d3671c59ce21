"""Means over images of what differs on each, resampled: all parts with as many images at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Measurement, MetricSpec
from vetgate.statistics import attainable_levels, bootstrap_images, unseen_share
from vetgate_similarity.figures import Unseen, resampled_figure
from vetgate_similarity.parts import Part, alike

Wanted = tuple[MetricSpec, Part, NDArray[np.float64]]
"""A figure, its images, and (n,) what each of them adds to the mean, within the figure's range."""


def means(wanted: Iterable[Wanted], ask: Ask, *, note: str = "") -> list[Measurement]:
    """Return the mean of each, in the order given, with its bounds; the order of the images does not matter."""
    entries = list(wanted)
    found: dict[int, Measurement] = {}
    for some in alike([part for _, part, _ in entries]):
        found |= dict(zip(some, _alike([entries[index] for index in some], ask, note), strict=True))
    return [found[index] for index in range(len(entries))]


def _alike(entries: list[Wanted], ask: Ask, note: str) -> Iterator[Measurement]:
    """Yield the means of entries with equally many images and replicates."""
    replicates = entries[0][1].replicates
    design = np.sort(np.stack([rows for _, _, rows in entries]), axis=1)
    resampled = bootstrap_images(
        partial(_mean, n=design.shape[1]),
        design,
        replicates=replicates,
        seed=ask.seed,
        levels=attainable_levels(ask.confidences, replicates),
    )
    for row, (spec, part, _) in enumerate(entries):
        yield resampled_figure(spec, resampled, row, part, _unseen(spec, resampled.estimate[row], part), note=note)


def _mean(sums: NDArray[np.float64], *, n: int) -> NDArray[np.float64]:
    return sums / n


def _unseen(spec: MetricSpec, mean: float, part: Part) -> Unseen:
    """Return how far a mean of values in the metric's range may move: each image not seen from it to an end."""
    down, up = mean - (spec.low or 0.0), (1.0 if spec.high is None else spec.high) - mean
    n = len(part.rows)
    return Unseen(lambda error: down * unseen_share(n, error), lambda error: up * unseen_share(n, error))
