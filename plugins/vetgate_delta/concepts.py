"""What regions lie on: the annotated part of an image that they cover most of, and what a labeller calls them."""

from __future__ import annotations

import base64
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vetgate.api import ConceptCount, ConceptMask, Inconclusive, TrainerContext
from vetgate_delta.regions import Mask, share_within

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 8
"""Pictures that a labeller is handed in one call, so that its failing leaves what it named before."""
LONGEST = 40
"""Characters of a concept; a labeller that says more describes, and no two descriptions are counted together."""


@dataclass(frozen=True)
class Annotated:
    """One named part as pixels."""

    name: str
    mask: Mask
    """(H, W)"""
    whole: bool


@dataclass(frozen=True)
class Missed:
    """The part of one image that DELTA's regions cover most of."""

    name: str
    share: float
    """Of the part that they cover, in (0, 1]; 1 where a labeller named it."""


@dataclass(frozen=True)
class Named:
    """What a labeller made of the pictures that it was handed."""

    names: tuple[str, ...]
    """As they are counted, in the order of the pictures; fewer where it failed, an empty text where it cannot tell."""
    trouble: str = ""
    """Why they are fewer; empty where they are not."""


def drawn(masks: Iterable[ConceptMask], size: tuple[int, int]) -> tuple[Annotated, ...]:
    """Return the parts of one image as pixels, areas of one name joined and those without a pixel dropped.

    Args:
        masks: Of one image.
        size: (H, W) of the image.

    Raises:
        Inconclusive: A mask is of another size.
    """
    joined: dict[tuple[str, bool], Mask] = {}
    for mask in masks:
        told = sum(mask.runs)
        if told != size[0] * size[1] or min(mask.runs, default=0) < 0:
            wanted = f"{size[0]} x {size[1]} = {size[0] * size[1]:,}"
            raise Inconclusive(
                f"the mask of {mask.name!r} on image {mask.image!r} has {told:,} pixels, the image {wanted}"
            )
        pixels = np.repeat(np.arange(len(mask.runs)) % 2 == 1, mask.runs)
        key = (mask.name, mask.whole)
        area = pixels.reshape(size)
        joined[key] = joined[key] | area if key in joined else area
    return tuple(Annotated(name, area, whole) for (name, whole), area in joined.items() if area.any())


def object_of(parts: Sequence[Annotated], label: str) -> Mask | None:
    """Return the object's pixels: those called by the image's class, else all whole objects; None without any."""
    wholes = [part for part in parts if part.whole]
    own = [part for part in wholes if part.name.casefold() == label.casefold()]
    chosen = own or wholes
    return np.any([part.mask for part in chosen], axis=0) if chosen else None


def most_covered(parts: Sequence[Annotated], regions: Mask) -> Missed | None:
    """Return the part of which regions cover the largest share; None where they cover nothing that is annotated.

    Whole objects count only on images without any annotated part. Of parts that are covered alike the larger area wins,
    then the first name.
    """
    candidates = [part for part in parts if not part.whole] or list(parts)
    shares = [(share_within(part.mask, regions), np.count_nonzero(part.mask & regions), part) for part in candidates]
    covered = [entry for entry in shares if entry[0] > 0]
    if not covered:
        return None
    share, _, part = min(covered, key=lambda entry: (-entry[0], -entry[1], entry[2].name))
    return Missed(part.name, share)


def count_missed(missed: Mapping[int, Missed], shown: Mapping[int, set[str]]) -> tuple[ConceptCount, ...]:
    """Return how often each concept is what was missed, the most frequent first.

    Args:
        missed: By image.
        shown: Names on each explained image, by image; empty where nobody annotated any.
    """
    images = Counter(found.name for found in missed.values())
    there = Counter(name for names in shown.values() for name in names)
    counts = []
    for name, number in images.items():
        shares = [found.share for found in missed.values() if found.name == name]
        known = bool(shown)
        counts.append(ConceptCount(name, number, there[name] if known else None, _mean(shares) if known else None))
    return tuple(sorted(counts, key=lambda count: (-count.images, count.name)))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def ask_labeller(context: TrainerContext, pictures: Sequence[Callable[[], bytes]], labels: Sequence[str]) -> Named:
    """Return what a labeller calls the regions in pictures; whatever goes wrong leaves what it named before.

    Args:
        context: With a labeller.
        pictures: Draw one PNG each.
        labels: What each image shows as a whole.
    """
    assert context.label is not None  # noqa: S101  # the caller looked
    names: list[str] = []
    for start in range(0, len(pictures), AT_ONCE):
        context.tell("name regions", start, len(pictures))
        drawn_now = [draw() for draw in pictures[start : start + AT_ONCE]]
        try:
            found = context.label(drawn_now, labels[start : start + AT_ONCE])
        except Inconclusive as error:
            return Named(tuple(names), error.message)
        if len(found) != len(drawn_now):
            return Named(tuple(names), f"it gave {len(found)} names for {len(drawn_now)} pictures")
        names += [as_counted(name) for name in found]
    context.tell("name regions", len(pictures), len(pictures))
    return Named(tuple(names))


def as_counted(name: str) -> str:
    """Return a labeller's words in the form in which they are counted, or an empty text where they name nothing.

    In lower case, without an article before them or a full stop after them; what is longer than 40 characters, or holds
    characters that cannot be seen, names nothing.
    """
    words = unicodedata.normalize("NFKC", " ".join(name.split())).casefold().strip(" .,;:\"'`*").split(" ")
    if len(words) > 1 and words[0] in ("a", "an", "the"):
        words = words[1:]
    concept = " ".join(words)
    return concept if concept.isprintable() and len(concept) <= LONGEST else ""


def encoded(picture: bytes) -> str:
    """Return a picture's bytes as reports carry them."""
    return base64.b64encode(picture).decode("ascii")
