"""Where a map is high: its regions, and how far the regions of two maps lie on one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask: TypeAlias = NDArray[np.bool_]

LEAST_AREA = 0.01
"""Share of the image under which a region is dropped."""
TOP = 0.05
"""Share of the pixels that maps are compared by at equal area."""


@dataclass(frozen=True)
class Regions:
    """The regions of one map."""

    mask: Mask
    """(H, W) pixels of any region."""
    parts: tuple[Mask, ...]
    """(H, W) each, disjoint, in the order of their first pixel."""

    def __len__(self) -> int:
        return len(self.parts)


def find_regions(heat: NDArray[np.floating], threshold: float) -> Regions:
    """Return the connected areas of a map that reach a share of its maximum.

    Args:
        heat: (H, W), at least 0.
        threshold: In (0, 1); a pixel at exactly this share of the maximum belongs to a region.

    Returns:
        Pixels that share an edge are connected. An area under 1 % of the image is dropped; one of exactly 1 % stays. A
        map that is 0 everywhere has none.
    """
    top = float(heat.max())
    if top <= 0:
        return Regions(np.zeros(heat.shape, dtype=bool), ())
    labels, count = ndimage.label(heat >= threshold * top)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    parts = tuple(labels == index for index in range(1, count + 1) if sizes[index] / heat.size >= LEAST_AREA)
    return Regions(np.any(parts, axis=0) if parts else np.zeros(heat.shape, dtype=bool), parts)


def share_within(region: Mask, area: Mask) -> float:
    """Return the share of a region's pixels that lie in an area, in [0, 1]; 0 for an empty region."""
    pixels = np.count_nonzero(region)
    return float(np.count_nonzero(region & area) / pixels) if pixels else 0.0


def overlap(candidate: Regions, delta: Regions) -> float | None:
    """Return the overlap score |E and DELTA| / |DELTA| in pixels, in [0, 1]; None where DELTA has no region."""
    return share_within(delta.mask, candidate.mask) if len(delta) else None


def common_box_share(regions: Regions) -> float:
    """Return the share of the image that the bounding box around all regions covers, in [0, 1]."""
    rows, columns = np.nonzero(regions.mask)
    if not len(rows):
        return 0.0
    return float(np.ptp(rows) + 1) * float(np.ptp(columns) + 1) / regions.mask.size


def top_pixels(heat: NDArray[np.floating], share: float = TOP) -> NDArray[np.float64]:
    """Return how much each pixel belongs to the top share of a map.

    Args:
        heat: (H, W)
        share: Of the pixels, in (0, 1).

    Returns:
        (H, W) in [0, 1] with a sum of share * H * W: 1 above the cut, 0 below it; pixels at the cut share what is left
        evenly, so that a map without any structure is at chance, whatever the order of its pixels.
    """
    wanted = share * heat.size
    cut = np.sort(heat, axis=None)[heat.size - int(np.ceil(wanted))]
    above, ties = heat > cut, heat == cut
    left = wanted - np.count_nonzero(above)
    return np.asarray(above + ties * (left / np.count_nonzero(ties)), dtype=np.float64)


def overlap_at_equal_area(heat: NDArray[np.floating], area: Mask, share: float = TOP) -> float:
    """Return the share of a map's top pixels that lie in an area, in [0, 1]; at chance it is the area's own share."""
    top = top_pixels(heat, share)
    return float(top[area].sum() / top.sum())
