"""What resampling cannot see: events that no image shows, and most of a curved figure's bias.

Resampling cannot draw what was never seen: of 20 images without an error it finds that errors do not exist. Of n images
none of which shows an event of chance p, with chance a all or more are without it where (1 - p)^n >= a. Over strata
the p_k are free as long as prod (1 - p_k)^n_k >= a, and a figure that one image of stratum k changes by e_k may be off
by the greatest sum of n_k p_k e_k. For one stratum of N images and e = 1 / N that is the exact 1 - a^(1/N), 3 / N at
95 % (the "rule of three").

Figures that are no means of images (a mean of precisions, a sum of absolute gaps) are biased in small samples.
Resampling shows a part of it: where a gap is noise alone, sqrt(2) - 1 of it, and where few images are given each class
between 0.3 and 0.8 in simulations; BCa takes off what it shows. Bounds on the side that the bias leans from are
therefore moved BIAS_MORE times that further, else they would miss the truth in up to 45 % (300 classes of 10 images).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

BIAS_MORE = 2.0
"""Times the bias of the resamples that bounds are moved beyond BCa, so that in all thrice is allowed for."""
UNSEEN = "images not seen"
"""Method of bounds that these alone set."""
MIDDLE = 0.5
"""Levels below are lower bounds, levels above upper ones."""


def unseen_share(images: int, error: float) -> float:
    """Return the share p that an event may have though no image shows it, with at most a chance of more.

    Args:
        images: n, at least 1.
        error: The chance a that it is more, in (0, 1).

    Returns:
        1 - a^(1/n), in (0, 1): some 3 / n at 95 %.
    """
    return -math.expm1(math.log(error) / images)


def unseen_change(images: NDArray[np.int64], effects: NDArray[np.float64], error: float) -> float:
    """Return how much events that no image of the sample shows may change a figure, with at most a chance of more.

    Args:
        images: (K,) images of each stratum, at least 1.
        effects: (K,) most that one image of the stratum changes the figure by, at least 0.
        error: The chance a that it is more, in (0, 1).

    Returns:
        The change, at least 0; exact for figures linear in the events, and near it for others.

    Raises:
        ValueError: The error is outside (0, 1).
    """
    if not 0.0 < error < 1.0:
        raise ValueError(f"an error lies in (0, 1), and {error} does not")
    moved = (images > 0) & (effects > 0)
    order = np.argsort(-effects[moved], kind="stable")
    n, effect = images[moved][order].astype(np.float64), effects[moved][order]
    if not len(n):
        return 0.0
    # The optimum has 1 - p_k = level / e_k in the strata with e_k > level, and p_k = 0 in the others.
    log_level = (np.cumsum(n * np.log(effect)) + math.log(error)) / np.cumsum(n)
    enough = log_level >= np.append(np.log(effect[1:]), -np.inf)
    used = int(np.argmax(enough)) + 1
    return float(n[:used] @ np.maximum(effect[:used] - math.exp(log_level[used - 1]), 0.0))


def widen(
    levels: Sequence[float],
    values: Sequence[float],
    estimate: float,
    unseen: Callable[[float], float],
    *,
    low: float,
    high: float,
    shares: tuple[float, float] = (1.0, 1.0),
    bias: tuple[float, float] = (0.0, 0.0),
    unseen_up: Callable[[float], float] | None = None,
) -> tuple[float, ...]:
    """Return resampled values at levels, no nearer to the estimate than what was not seen allows, and within a range.

    Args:
        levels: (L,) in (0, 1), ascending.
        values: (L,) the resampled figure at each.
        estimate: The figure of the sample, within the range.
        unseen: The change that images not seen may make with a given chance of more (see unseen_change).
        low: Least possible value of the figure.
        high: Greatest possible value.
        shares: Of the change that can go down and up: a mean of values in [0, 1] that is 0.1 can fall by a tenth of
            what it could in all, and rise by nine.
        bias: Mean of the resampled figures less the estimate, as far as it is up and, turned positive, as far as down.
        unseen_up: The change upwards, where it is another than `unseen`, which is then downwards alone.
    """
    rising = unseen_up or unseen
    found = []
    for level, value in zip(levels, values, strict=True):
        bound = value
        if level < MIDDLE:
            bound = min(value - BIAS_MORE * bias[0], estimate - shares[0] * unseen(level))
        elif level > MIDDLE:
            bound = max(value + BIAS_MORE * bias[1], estimate + shares[1] * rising(1.0 - level))
        found.append(min(max(bound, low), high))
    # What was not seen may change a curved figure less in a greater share than in a smaller one, and that may be too.
    middle = sum(level < MIDDLE for level in levels)
    lower = itertools.accumulate(reversed(found[:middle]), min)
    return (*reversed(tuple(lower)), *itertools.accumulate(found[middle:], max))
