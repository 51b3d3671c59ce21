"""How far the independents are from the reference, how sure that is, and what makes a yardstick doubtful."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from vetgate.domain.errors import YardstickError
from vetgate.domain.yardstick import Distance, Peer
from vetgate.statistics import bootstrap_images, row_distances
from vetgate.yardstick.content import Content, probabilities

REPLICATES = 1000
LEVELS = (0.025, 0.975)
NEAR, FAR = 0.5, 2.0
"""Of the median: outside, a model was hardly trained independently in the same way. Three trained alike on
Fashion-MNIST span 0.99 to 1.03."""


COPY = 0.25
"""Of the median distance of the others: below, a model is no independent one. It is the share up to which `deviation`
calls a variant the same function."""


@dataclass(frozen=True)
class Gauge:
    """Distances of U independents from the reference, over all images of the yardstick."""

    distance: Distance
    peers: tuple[Peer, ...]
    """(U,)"""
    distances: tuple[float, ...]
    """(U,) means over images."""
    median: float
    low: float
    """Lower end of the median's 95 % interval, resampled over images."""
    high: float
    """Upper end."""

    @property
    def noise(self) -> float:
        """Half the width of the median's interval."""
        return (self.high - self.low) / 2.0

    @property
    def relative(self) -> tuple[float, ...]:
        """(U,) distances over the median: the independence of each independent."""
        return tuple(distance / self.median for distance in self.distances)

    @property
    def bracket(self) -> tuple[float, float]:
        """What the independents span, over the median."""
        return min(self.relative), max(self.relative)


def gauge(content: Content) -> Gauge:
    """Return how far the independents are from the reference; the same yardstick always gives the same answer."""
    distance, own = content.header.distance, probabilities(content.reference)
    rows = np.stack([row_distances(distance, probabilities(matrix), own) for _, matrix in content.finals])
    resampled = bootstrap_images(
        lambda totals: np.median(totals, axis=0, keepdims=True) / rows.shape[1],
        rows,
        replicates=REPLICATES,
        levels=LEVELS,
    )
    low, high = resampled.values[0].tolist()
    return Gauge(
        distance=distance,
        peers=tuple(peer for peer, _ in content.finals),
        distances=tuple(rows.mean(axis=1).tolist()),
        median=float(resampled.estimate[0]),
        low=low,
        high=high,
    )


def require_signal(measured: Gauge, images: int) -> None:
    """Refuse a yardstick that is shorter than its own noise.

    Args:
        measured: What it measures with.
        images: N.

    Raises:
        YardstickError: The median distance is not above half the width of its 95 % interval.
    """
    if not measured.median > measured.noise:
        raise YardstickError(
            f"its median distance of {measured.median:.4g} is not above its own noise: on {images:,} images the 95 % "
            f"interval reaches {measured.noise:.4g} either way, so nothing can be measured with it",
            hint="build it on more images, or with models that were trained independently of the reference",
        )


def require_independent(measured: Gauge) -> None:
    """Refuse independents of which one is far nearer to the reference than the others are.

    Args:
        measured: What they measure.

    Raises:
        YardstickError: One is below COPY of the median distance of the others.
    """
    for place, (peer, distance) in enumerate(zip(measured.peers, measured.distances, strict=True)):
        others = float(np.median([*measured.distances[:place], *measured.distances[place + 1 :]]))
        if distance < COPY * others:
            raise YardstickError(
                f"{peer.name} is at {distance / others:.2g} of the median distance of the others, so it was hardly "
                "trained independently of the reference: a copy of it, or a model made from it, is no measure",
                hint="leave it out; or, if it was and the others are at fault, say --force",
            )


def doubts(content: Content, measured: Gauge) -> tuple[str, ...]:
    """Return what makes it doubtful that the independents are independent, one sentence each."""
    return (*_far_off(measured), *_alike(content, measured))


def _far_off(measured: Gauge) -> Iterator[str]:
    for peer, share in zip(measured.peers, measured.relative, strict=True):
        if share < NEAR:
            yield (
                f"{peer.name} is at {share:.4g} of the median distance: was it trained independently of the reference, "
                "or made from it?"
            )
        elif share > FAR:
            yield f"{peer.name} is at {share:.4g} of the median distance: was it trained to the end, on the same data?"


def _alike(content: Content, measured: Gauge) -> Iterator[str]:
    """Yield pairs of independents that are nearer to each other than to the reference."""
    for (one, left), (other, right) in combinations(content.finals, 2):
        apart = row_distances(measured.distance, probabilities(left), probabilities(right)).mean()
        if apart < NEAR * measured.median:
            yield (
                f"{one.name} and {other.name} are at {apart / measured.median:.4g} of the median distance from each "
                "other: were they trained independently?"
            )
