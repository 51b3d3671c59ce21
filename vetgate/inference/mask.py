"""Annotated parts of images, carried through the same resize and crop as the images. Works in a child only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vetgate.domain.card import Input
from vetgate.domain.errors import DataError, MissingExtra
from vetgate.domain.trainer import ConceptMask
from vetgate.inference.assignment import Drawn
from vetgate.inference.prepare import fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF = 128
"""Of 255: a pixel belongs to a part that covers at least half of it."""


def fit_masks(
    drawn: Sequence[Drawn], card: Input, tell: Callable[[int, int], None]
) -> Mapping[str, tuple[ConceptMask, ...]]:
    """Return the parts of each image as the card's resize and crop leave them; what falls outside is left out.

    Several outlines of one name on one image are one part.

    Args:
        drawn: The annotations.
        card: The input part of the reference's card.
        tell: Told (done, total) annotations.

    Raises:
        MissingExtra: The library that reads them is not installed.
        DataError: One of them is malformed.
    """
    shapes: dict[tuple[str, str, bool], NDArray[np.bool_]] = {}
    for done, each in enumerate(drawn):
        tell(done, len(drawn))
        mask = _fitted(each, card)
        key = (each.image, each.name, each.whole)
        shapes[key] = shapes[key] | mask if key in shapes else mask
    found: dict[str, list[ConceptMask]] = {}
    for (image, name, whole), mask in shapes.items():
        if mask.any():
            found.setdefault(image, []).append(ConceptMask(image=image, name=name, runs=_runs(mask), whole=whole))
    tell(len(drawn), len(drawn))
    return {image: tuple(masks) for image, masks in found.items()}


def _fitted(drawn: Drawn, card: Input) -> NDArray[np.bool_]:
    """Return the mask (height, width) of the card's size."""
    grey = card.model_copy(update={"colour": "grey"})
    return fit(_rasterise(drawn) * np.uint8(255), grey, drawn.image)[:, :, 0] >= HALF


def _rasterise(drawn: Drawn) -> NDArray[np.uint8]:
    """Return the mask of 0 and 1 on the whole image."""
    try:
        from pycocotools import mask as coco
    except ImportError:
        raise MissingExtra("annotations of concepts need pycocotools", hint="pip install 'vetgate[explain]'") from None
    try:
        decoded: NDArray[np.uint8] = coco.decode(_packed(drawn, coco))
    except Exception as error:  # it raises anything on a malformed outline
        told = " ".join(str(error).split())[:200]
        raise DataError(
            f"the annotation {drawn.name!r} of image {drawn.image!r} cannot be read: {type(error).__name__}: {told}"
        ) from None
    if decoded.shape != drawn.size:
        raise DataError(
            f"the annotation {drawn.name!r} of image {drawn.image!r} is {_by(decoded.shape)}, and the image "
            f"{_by(drawn.size)}"
        )
    return decoded


def _by(size: Sequence[int]) -> str:
    return " x ".join(map(str, size))


def _packed(drawn: Drawn, coco: Any) -> Any:  # noqa: ANN401  # pycocotools has no types
    """Return the outline as compressed run lengths."""
    outline, (height, width) = drawn.segmentation, drawn.size
    if isinstance(outline, list):
        return coco.merge(coco.frPyObjects(outline, height, width))
    if isinstance(outline["counts"], list):
        return coco.frPyObjects(outline, height, width)
    return outline


def _runs(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the lengths of runs outside and inside by turns, outside first, row by row."""
    flat = mask.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0], changes, [flat.size]])
    lengths = np.diff(ends).tolist()
    return tuple([0, *lengths] if flat[0] else lengths)
