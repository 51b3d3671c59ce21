"""What a map is held to where the truth is known: where it is highest, what it names, and how much of it lies there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scenes
from numpy.typing import NDArray
from vetgate_delta.cam import candidate_maps, full_size
from vetgate_delta.concepts import Annotated, most_covered
from vetgate_delta.regions import TOP, find_regions, overlap_at_equal_area, top_pixels

Floats = NDArray[np.float32]
NAMES = ("A", "B")


@dataclass(frozen=True)
class Looks:
    """A model with the head pool and linear, on all test images."""

    maps: Floats
    """(N, C, h, w)."""
    weights: Floats
    """(classes, C)."""
    classes: NDArray[np.intp]
    """(N,) its answers."""

    def of(self, rows: NDArray[np.intp], classes: NDArray[np.intp]) -> Floats:
        """Return Grad-CAM++ (n, 48, 48) in [0, 1] of given classes (n,) for given rows."""
        return full_size(candidate_maps(self.maps[rows], self.weights[classes]), (scenes.SIDE, scenes.SIDE))


def differences(base: Looks, candidate: Looks, rows: NDArray[np.intp]) -> Mapping[str, Floats]:
    """Return what the difference of the two models' own maps can be taken for, (n, 48, 48) each."""
    ours, theirs = base.of(rows, base.classes[rows]), candidate.of(rows, candidate.classes[rows])
    same = candidate.of(rows, base.classes[rows])
    return {
        "base - candidate": np.maximum(ours - theirs, 0),
        "base - candidate, class of the base": np.maximum(ours - same, 0),
        "base x (1 - candidate)": ours * (1 - theirs),
        "|base - candidate|": np.abs(ours - theirs),
    }


def maxima(maps: Floats, images: scenes.Scenes, rows: NDArray[np.intp], part: int) -> NDArray[np.bool_]:
    """Return for each map (n,) whether its highest pixel lies on a part."""
    highest = maps.reshape(len(maps), -1).argmax(axis=1)
    hits: NDArray[np.bool_] = images.mask(part)[rows].reshape(len(rows), -1)[np.arange(len(rows)), highest]
    return hits


def named(maps: Floats, images: scenes.Scenes, rows: NDArray[np.intp], part: int) -> NDArray[np.bool_]:
    """Return for each map (n,) whether its regions at half of its maximum cover more of a part than of the other."""
    masks = [images.mask(each)[rows] for each in (scenes.A, scenes.B)]
    found = []
    for index, heat in enumerate(maps):
        parts = [Annotated(name, mask[index], whole=False) for name, mask in zip(NAMES, masks, strict=True)]
        missed = most_covered([each for each in parts if each.mask.any()], find_regions(heat, 0.5).mask)
        found.append(missed is not None and missed.name == NAMES[part])
    return np.array(found, dtype=bool)


@dataclass(frozen=True)
class Overlaps:
    """How the top 5 % of each map's pixels lie to a part, (n,)."""

    share: NDArray[np.float64]
    """Of these pixels that lies on the part, over the part's share of the image: 1 at chance, 9 at most."""
    union: NDArray[np.float64]
    """Their intersection over union, over that of as many random pixels: 1 at chance, about 12.6 at most."""


def overlaps(maps: Floats, images: scenes.Scenes, rows: NDArray[np.intp], part: int) -> Overlaps:
    """Return how the maps' highest pixels lie to a part, over chance."""
    masks = images.mask(part)[rows]
    area = scenes.PART**2 / scenes.SIDE**2
    chance = TOP * area / (TOP + area - TOP * area)
    shares, unions = [], []
    for heat, mask in zip(maps, masks, strict=True):
        shares.append(overlap_at_equal_area(heat, mask) / area)
        both = float(top_pixels(heat)[mask].sum()) / mask.size
        unions.append(both / (TOP + area - both) / chance)
    return Overlaps(np.array(shares), np.array(unions))


def least_gain(ours: NDArray[np.floating], theirs: NDArray[np.floating], seed: int = 0) -> float:
    """Return the one-sided lower bound at 95 % of the mean of paired differences (n,), by a bootstrap over images."""
    gain = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    random = np.random.default_rng(seed)
    means = [gain[random.integers(len(gain), size=len(gain))].mean() for _ in range(2000)]
    return float(np.quantile(means, 0.05))
