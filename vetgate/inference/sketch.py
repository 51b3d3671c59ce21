"""Digest and sketch of one decoded image: all that is kept of it to tell whether it stands in a set twice."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.images import SKETCH

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGEST = 32
"""Bytes of a digest."""
_SIZE = 8
"""Bytes of rows and columns."""
RECORD = DIGEST + _SIZE + SKETCH * SKETCH
"""Bytes kept of an image."""
_PACK = 3
"""Bytes that a float32 holds without loss; more might be NaN, which the cache refuses."""


def sketch(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (RECORD,) what is kept of an image.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB; grey that is stored as colour counts as grey.
    """
    from PIL import Image

    if pixels.ndim == 3 and (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all():
        pixels = pixels[..., 0]
    pixels = np.ascontiguousarray(pixels)
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.data)
    # The mean over the area where there are more pixels than that: what a thumbnail of any size has in common.
    small = Image.fromarray(pixels).convert("L").resize((SKETCH, SKETCH), Image.Resampling.BOX)
    if min(pixels.shape[:2]) < SKETCH:
        small = Image.fromarray(pixels).convert("L").resize((SKETCH, SKETCH), Image.Resampling.BICUBIC)
    size = np.asarray(pixels.shape[:2], dtype="<u4").view(np.uint8)
    luma = np.asarray(small, dtype=np.uint8).reshape(-1)
    return np.concatenate((np.frombuffer(digest.digest(), dtype=np.uint8), size, luma))


def pack(records: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return records (N, RECORD) as finite floats (N, RECORD / 3 rounded up), as the cache keeps them."""
    padded = np.zeros((len(records), -(-RECORD // _PACK) * _PACK), dtype=np.uint32)
    padded[:, :RECORD] = records
    first, second, third = (padded[:, start::_PACK] for start in range(_PACK))
    return (first | second << 8 | third << 16).astype(np.float32)


def unpack(packed: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the records (N, RECORD) of `pack`."""
    whole = packed.astype(np.uint32)
    padded = np.empty((len(packed), packed.shape[1] * _PACK), dtype=np.uint8)
    for start in range(_PACK):
        padded[:, start::_PACK] = whole >> 8 * start & 255
    return padded[:, :RECORD]


def digests_of(records: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (N, 32) the digests of the decoded pixels."""
    return records[:, :DIGEST]


def sizes_of(records: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (N, 2) rows and columns of the images."""
    sizes = np.ascontiguousarray(records[:, DIGEST : DIGEST + _SIZE]).view("<u4")
    return sizes.astype(np.int64)


def lumas_of(records: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (N, SKETCH, SKETCH) the sketches."""
    return records[:, DIGEST + _SIZE :].reshape(-1, SKETCH, SKETCH)
