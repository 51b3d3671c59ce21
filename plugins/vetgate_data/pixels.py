"""From an encoded image to 8-bit pixels, in one defined way for every source.

Grey stays grey, 16 bits keep their upper 8, everything else becomes RGB (alpha is dropped, not blended). The EXIF
orientation is NOT applied: the pixels are those that the file stores, as training pipelines that open with Pillow see
them. Of an animation the first frame counts.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from vetgate.api import UnreadableImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "PPM", "WEBP", "TIFF", "JPEG2000", "AVIF")
"""What may be decoded. Others, such as EPS, would start programs or read further files."""

_DEPTH = 24
"""Byte of a PNG that says how many bits a number takes."""
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")
_HELD_AS_32 = ("PNG", "PPM")
"""Formats whose 16-bit grey some Pillow versions hold in 32-bit integers."""


def decode(encoded: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an encoded image: (H, W) grey or (H, W, 3) RGB.

    Raises:
        UnreadableImage: Truncated, of no known format, too large to be meant, or with pixels of no defined range.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
                return _pixels(image)
    except UnreadableImage:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UnreadableImage(f"more than {Image.MAX_IMAGE_PIXELS:,} pixels, a decompression bomb") from None
    except (UnidentifiedImageError, KeyError):
        known = "empty" if not encoded else "no image of a known format"
        raise UnreadableImage(known) from None
    except Exception as error:  # decoders of broken files raise anything; whatever it is, the image is counted
        raise UnreadableImage(" ".join(str(error).split())[:200] or type(error).__name__) from None


def measure(encoded: bytes) -> tuple[int, int]:
    """Return (height, width) of an encoded image without decoding it.

    Raises:
        UnreadableImage: It is of no known format.
    """
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            return image.height, image.width
    except Exception as error:  # as above
        raise UnreadableImage(" ".join(str(error).split())[:200] or type(error).__name__) from None


def decode_mask(encoded: bytes) -> NDArray[np.uint8]:
    """Return the numbers (H, W) that an image of 8-bit grey or of a palette stores; a palette's colours mean nothing.

    Raises:
        UnreadableImage: It is no such image, or cannot be decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(encoded), formats=("PNG",)) as image:
                if image.mode not in ("L", "P", "1"):
                    raise UnreadableImage(f"its pixels are {image.mode}, and a mask holds one number of 8 bits a pixel")
                if image.mode == "L" and encoded[_DEPTH] != 8:
                    raise UnreadableImage(f"its grey has {encoded[_DEPTH]} bits, which decoders spread over 0 to 255")
                return np.asarray(image).astype(np.uint8)
    except UnreadableImage:
        raise
    except Exception as error:  # as above
        raise UnreadableImage(" ".join(str(error).split())[:200] or type(error).__name__) from None


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in ("L", "1"):
        return np.asarray(image.convert("L"))
    if image.mode in _SIXTEEN_BITS or (image.mode == "I" and image.format in _HELD_AS_32):
        return (np.asarray(image).astype(np.int32) >> 8).astype(np.uint8)
    if image.mode in ("I", "F"):
        raise UnreadableImage(f"32-bit pixels (mode {image.mode}) have no defined range; save it with 8 or 16 bits")
    return np.asarray(image.convert("RGB"))
