"""Which explained images a report shows, and the sheets of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Picture
from vetgate_delta.category import Category
from vetgate_delta.concepts import Missed, encoded
from vetgate_delta.pictures import LEGEND, Example, sheet
from vetgate_delta.regions import Regions

if TYPE_CHECKING:
    from collections.abc import Callable

A_SHEET = 4
"""Examples of one concept or category."""
LONGEST_ID = 40
"""Characters of an image's id in a caption."""


@dataclass(frozen=True)
class Scene:
    """One explained image, as captions tell it."""

    image: str
    """Its id."""
    shows: str
    """The class that the reference names rightly."""
    taken_for: str
    """The class that the candidate names."""
    category: Category
    overlap: float | None
    """In [0, 1]; None where DELTA has no region."""
    missed: Missed | None = None
    named: bool = False
    """Whether a labeller named what was missed."""

    def told(self) -> str:
        """Return it for a caption."""
        image = self.image if len(self.image) <= LONGEST_ID else f"…{self.image[1 - LONGEST_ID :]}"
        parts = [f"{image}: {self.shows} taken for {self.taken_for}", self.category.value]
        if self.overlap is not None:
            parts.append(f"overlap {self.overlap:.2f}")
        if self.missed is not None:
            covered = "named by the labeller" if self.named else f"{self.missed.share:.0%} of it covered"
            parts.append(f"{self.missed.name} ({covered})")
        return ", ".join(parts)


@dataclass(frozen=True)
class Group:
    """Images that are shown together."""

    title: str
    members: tuple[int, ...]
    """Explained images, by number."""


def groups(scenes: Sequence[Scene], concepts: Sequence[str]) -> tuple[Group, ...]:
    """Return the images of each most missed concept, or of each category where no concept was named.

    Args:
        scenes: Of all explained images.
        concepts: Names, the most missed first.
    """
    if concepts:
        return tuple(
            Group(
                f"Missed: {name}",
                tuple(index for index, scene in enumerate(scenes) if scene.missed and scene.missed.name == name),
            )
            for name in concepts
        )
    members: dict[Category, list[int]] = {}
    for index, scene in enumerate(scenes):
        if scene.category is not Category.NONE:
            members.setdefault(scene.category, []).append(index)
    order = sorted(members, key=lambda category: (-len(members[category]), category.value))
    return tuple(Group(f"Examples: {category.value}", tuple(members[category])) for category in order)


def show(
    chosen: Sequence[Group],
    scenes: Sequence[Scene],
    most: int,
    seed: int,
    pixels: Callable[[int], NDArray[np.uint8]],
    regions: Callable[[int], tuple[Regions, Regions]],
) -> tuple[Picture, ...]:
    """Return a sheet for each group until `most` images are shown, drawn at random from each.

    Args:
        chosen: In the order in which they are shown.
        scenes: Of all explained images.
        most: Images in all.
        seed: Of the draw.
        pixels: (H, W, 1 or 3) by number of the explained image.
        regions: The candidate's and DELTA's, likewise.
    """
    random = np.random.default_rng(seed)
    pictures: list[Picture] = []
    left = most
    for group in chosen:
        count = min(A_SHEET, left, len(group.members))
        if not count:
            continue
        drawn = sorted(int(index) for index in random.choice(group.members, count, replace=False))
        examples = {index: _example(index, pixels, regions) for index in drawn}
        pictures.append(_picture(group, examples, scenes, first=most - left + 1))
        left -= count
    return tuple(pictures)


def _example(
    index: int, pixels: Callable[[int], NDArray[np.uint8]], regions: Callable[[int], tuple[Regions, Regions]]
) -> Example:
    candidate, delta = regions(index)
    return Example(pixels(index), candidate.mask, delta.mask)


def _picture(group: Group, examples: Mapping[int, Example], scenes: Sequence[Scene], first: int) -> Picture:
    told = "; ".join(f"({first + place}) {scenes[index].told()}" for place, index in enumerate(examples))
    count = f"{len(examples)} of {len(group.members):,} such images, drawn at random"
    return Picture(
        title=group.title,
        media_type="image/png",
        base64=encoded(sheet(list(examples.values()), first)),
        caption=f"{LEGEND} {count}: {told}.",
    )
