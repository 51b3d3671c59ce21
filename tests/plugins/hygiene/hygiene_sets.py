"""Small sets of images for tests: smooth pictures that differ from each other, and changes that leave them the same."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vetgate.domain.images import SketchedImages
from vetgate.inference.sketch import digests_of, lumas_of, sizes_of, sketch

Pixels = NDArray[np.uint8]


def picture(seed: int, size: int = 32, *, colour: bool = True) -> Pixels:
    """Return (size, size, 3) or (size, size): blots of every size, the large ones strongest, as in photos."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size, size, 3))
    for blots in (2, 4, 8, 16):
        grid = rng.integers(0, 256, (blots, blots, 3), dtype=np.uint8)
        total += np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC), np.float64) / blots
    pixels = (total / sum(1 / blots for blots in (2, 4, 8, 16))).round().astype(np.uint8)
    return pixels if colour else np.asarray(Image.fromarray(pixels).convert("L"))


def jpeg(pixels: Pixels, quality: int = 60) -> Pixels:
    """Return pixels as they come back from a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def resized(pixels: Pixels, size: int) -> Pixels:
    """Return pixels at another size."""
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))


def cropped(pixels: Pixels) -> Pixels:
    """Return what is left of 32 x 32 pixels without 2 above, 1 below, none at the left and 3 at the right."""
    return np.asarray(Image.fromarray(pixels).crop((0, 2, 29, 31)).resize((32, 32), Image.Resampling.BILINEAR))


def brighter(pixels: Pixels) -> Pixels:
    """Return pixels a fifth brighter."""
    return np.asarray(np.clip(pixels * 1.2 + 5, 0, 255), dtype=np.uint8)


def as_set(
    images: Sequence[Pixels],
    labels: Sequence[int] | None = None,
    *,
    name: str = "set",
    ids: Sequence[str] | None = None,
) -> SketchedImages:
    """Return images as a check is given them."""
    records = np.stack([sketch(pixels) for pixels in images])
    return SketchedImages(
        name=name,
        ids=list(ids) if ids is not None else [f"{name}/{row:04}" for row in range(len(images))],
        digests=[""] * len(images),
        pixels=digests_of(records),
        sketches=lumas_of(records),
        sizes=sizes_of(records),
        readable=np.ones(len(images), dtype=np.bool_),
        labels=None if labels is None else np.asarray(labels, dtype=np.int64),
    )
