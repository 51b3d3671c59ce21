"""Which explained images a report shows, and the picture of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Picture
from vetgate_delta.category import Category
from vetgate_delta.concepts import Missed, encoded
from vetgate_delta.pictures import LEGEND, Example, beside
from vetgate_delta.regions import Regions

if TYPE_CHECKING:
    from collections.abc import Callable

A_GROUP = 4
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
    loss: Sequence[float] | None = None,
) -> tuple[Picture, ...]:
    """Return a picture of some images of each group until `most` are shown.

    Half of a group's are the worst of it, which a report's gallery may show too; the others are drawn at random, for
    the worst alone would not stand for the group.

    Args:
        chosen: In the order in which they are shown.
        scenes: Of all explained images.
        most: Images in all.
        seed: Of the draw.
        pixels: (H, W, 1 or 3) by number of the explained image.
        regions: The candidate's and DELTA's, likewise.
        loss: What the right class lost in probability, likewise; None where that is not known, and all are drawn.
    """
    random = np.random.default_rng(seed)
    pictures: list[Picture] = []
    for group in chosen:
        count = min(A_GROUP, most - len(pictures), len(group.members))
        worst = _worst(group, loss, -(-count // 2))
        others = [index for index in group.members if index not in worst]
        drawn = sorted(int(index) for index in random.choice(others, count - len(worst), replace=False))
        how = [*((index, "one of the worst") for index in worst), *((index, "drawn at random") for index in drawn)]
        for index, words in how:
            candidate, delta = regions(index)
            picture = beside(Example(pixels(index), candidate.mask, delta.mask))
            pictures.append(_picture(group, scenes[index], picture, words))
    return tuple(pictures)


def _worst(group: Group, loss: Sequence[float] | None, most: int) -> list[int]:
    if loss is None:
        return []
    return sorted(group.members, key=lambda index: (-loss[index], index))[:most]


def _picture(group: Group, scene: Scene, picture: bytes, words: str) -> Picture:
    return Picture(
        title=group.title,
        media_type="image/png",
        base64=encoded(picture),
        caption=f"{scene.told()}; {words} of {len(group.members):,} such images. {LEGEND}",
        image=scene.image,
    )
