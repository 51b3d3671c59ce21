"""The geometric category of one explained image: how DELTA's regions lie to the candidate's, and where they lie.

Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks" (XDELTA), section
6.2. The paper gives no borders; these are ours.
"""

from __future__ import annotations

from enum import StrEnum

from vetgate_delta.regions import Mask, Regions, common_box_share, share_within

DISJOINT = 0.1
"""Share of a DELTA region within the candidate's regions from which on it overlaps them."""
ON_OBJECT = 0.5
"""Share of a region on the object from which on it lies on it."""
FEW_REGIONS = 2
"""Regions at most that are local where nobody annotated the object."""
QUARTER = 0.25
"""Share of the image that their common bounding box then covers at most."""
THRESHOLDS = (0.3, 0.5, 0.7)
"""At which shares of categories are always told, for they move with it."""


class Category(StrEnum):
    """What DELTA brings to one image."""

    COMPLEMENT_LOCAL = "complement, local"
    COMPLEMENT_GLOBAL = "complement, global"
    ENHANCE_LOCAL = "enhance, local"
    ENHANCE_GLOBAL = "enhance, global"
    MIX_LOCAL = "mix, local"
    MIX_GLOBAL = "mix, global"
    NONE = "none"


def categorise(candidate: Regions, delta: Regions, *, corrected: bool, whole: Mask | None) -> Category:
    """Return the category of one image.

    Args:
        candidate: Regions of the candidate's map.
        delta: Regions of DELTA's map.
        corrected: Whether the fused model gets the image right.
        whole: (H, W) the object, by its mask or box; None where nobody annotated it.

    Returns:
        complement where all of DELTA's regions are disjoint from the candidate's (missing information), enhance where
        all overlap them (noise suppressed), mix where there are both; none without any region or correction. Local
        where every region lies on the object; without one, where there are few regions close together.
    """
    if not corrected or not len(delta):
        return Category.NONE
    disjoint = [share_within(part, candidate.mask) < DISJOINT for part in delta.parts]
    kind = "complement" if all(disjoint) else "mix" if any(disjoint) else "enhance"
    return Category(f"{kind}, {'local' if is_local(delta, whole) else 'global'}")


def is_local(delta: Regions, whole: Mask | None) -> bool:
    """Return whether regions lie on the object; without one, whether there are at most two within a quarter."""
    if whole is not None:
        return all(share_within(part, whole) >= ON_OBJECT for part in delta.parts)
    return len(delta) <= FEW_REGIONS and common_box_share(delta) <= QUARTER
