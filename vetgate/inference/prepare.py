"""From decoded pixels to what a model takes, as its card says. Geometry first, in 8 bits; numbers after."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Input, Resize
from vetgate.domain.errors import CardError, UnreadableImage
from vetgate.domain.samples import SampleSet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image, Resampling


LARGEST = 128 << 20
"""Bytes of one image that a card may ask for; cards come with untrusted models."""


def read_pixels(source: SampleSet, index: int) -> NDArray[np.uint8]:
    """Return one decoded image, made sure to be what a source must give.

    Raises:
        UnreadableImage: It cannot be decoded, or is no image of 8-bit pixels.
    """
    try:
        pixels = source.read(index)
        right = pixels.dtype == np.uint8 and (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3))
        told = f"came as {pixels.dtype} {pixels.shape}, not as 8-bit (H, W) or (H, W, 3)"
    except UnreadableImage:
        raise
    except Exception as error:  # a source of a stranger may raise anything; the image is named and counted
        raise UnreadableImage(f"{type(error).__name__}: {error}") from None
    if not right or not pixels.size:
        raise UnreadableImage(told)
    return pixels


def bytes_of_image(card: Input) -> int:
    """Return the bytes of one image as it reaches a child.

    Raises:
        CardError: The card asks for more than `LARGEST`.
    """
    size = card.size[0] * card.size[1] * card.channels
    if size > LARGEST:
        raise CardError(
            f"a card asks for images of {card.size[0]} x {card.size[1]} pixels; {LARGEST} bytes are the most"
        )
    return size


def geometry(card: Input) -> str:
    """Return a key: two inputs with one key take the same 8-bit pixels, so that an image is fitted once for both."""
    return card.model_copy(
        update={
            "colour": "grey" if card.channels == 1 else "rgb",
            "scale": 1.0,
            "mean": (0.0,),
            "std": (1.0,),
            "layout": "NHWC",
        }
    ).model_dump_json()


def fit(pixels: NDArray[np.uint8], card: Input, name: str) -> NDArray[np.uint8]:
    """Bring one decoded image to the card's size and number of channels.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB.
        card: The input part of the model's card.
        name: Image id, for messages.

    Returns:
        (height, width, 1 or 3), RGB order.

    Raises:
        CardError: The image does not have the size that a card without resize asks for, or is smaller than the crop.
    """
    wanted = 2 if card.channels == 1 else 3
    if card.resize == "none" and pixels.ndim == wanted:
        fitted = pixels
    else:
        fitted = _fit_image(pixels, card)
    fitted = _crop(fitted, card, name)
    if fitted.shape[:2] != card.size:
        given = " x ".join(map(str, fitted.shape[:2]))
        asked = " x ".join(map(str, card.size))
        raise CardError(
            f"image {name!r} is {given} after resizing, but the card says size: {asked}",
            hint="set resize and crop in the card to what the model was trained with",
        )
    return fitted if fitted.ndim == 3 else fitted[:, :, np.newaxis]


def _fit_image(pixels: NDArray[np.uint8], card: Input) -> NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(pixels).convert("L" if card.channels == 1 else "RGB")
    if isinstance(card.resize, Resize):
        image = _resize(image, card.resize)
    return np.asarray(image)


def resized(size: tuple[int, int], how: Resize) -> tuple[int, int]:
    """Return the (height, width) that an image of (height, width) is brought to."""
    height, width = size
    if how.to is not None:
        return how.to
    side = how.shorter_side or 1
    return (side * height // width, side) if width <= height else (side, side * width // height)


def _resize(image: Image, how: Resize) -> Image:
    from PIL import Image

    width, height = image.size
    target = resized((height, width), how)[::-1]
    if target == image.size:
        return image
    filtering = _resampling(how.interpolation)
    if how.antialias and how.interpolation != "nearest":
        return image.resize(target, filtering)
    # An affine transform samples the source at the centres of the target's pixels and never filters over an area.
    scale = (width / target[0], 0.0, 0.0, 0.0, height / target[1], 0.0)
    return image.transform(target, Image.Transform.AFFINE, scale, filtering)


def _resampling(name: str) -> Resampling:
    from PIL import Image

    return Image.Resampling[name.upper()]


def _crop(pixels: NDArray[np.uint8], card: Input, name: str) -> NDArray[np.uint8]:
    if card.crop == "none":
        return pixels
    (height, width), (rows, columns) = card.size, pixels.shape[:2]
    if rows < height or columns < width:
        raise CardError(
            f"image {name!r} is {rows} x {columns} after resizing, smaller than the crop {height} x {width}"
        )
    top, left = (rows - height) // 2, (columns - width) // 2
    return pixels[top : top + height, left : left + width]


def normalise(images: NDArray[np.uint8], card: Input) -> NDArray[np.float32]:
    """Return what the model takes: scaled, mean taken off, divided by std, colours and axes in the card's order.

    Args:
        images: (N, H, W, 1 or 3), RGB order.
        card: The input part of the model's card.

    Returns:
        (N, C, H, W) or (N, H, W, C), C-contiguous.
    """
    tables = _tables(card)
    count, height, width, channels = images.shape
    order = (2, 1, 0) if card.colour == "bgr" else tuple(range(channels))
    planes = card.layout == "NCHW"
    shape = (count, channels, height, width) if planes else (count, height, width, channels)
    out: NDArray[np.float32] = np.empty(shape, dtype=np.float32)
    for channel, source in enumerate(order):
        target = out[:, channel] if planes else out[..., channel]
        target[...] = tables[channel][images[..., source]]
    return out


@lru_cache(maxsize=8)
def _tables(card: Input) -> NDArray[np.float32]:
    """Return, per channel in the model's order, what each of the 256 pixel values becomes (C, 256)."""
    mean = np.broadcast_to(np.asarray(card.mean, dtype=np.float64), (card.channels,))
    std = np.broadcast_to(np.asarray(card.std, dtype=np.float64), (card.channels,))
    pixels = np.arange(256, dtype=np.float64) * card.scale
    return ((pixels[np.newaxis] - mean[:, np.newaxis]) / std[:, np.newaxis]).astype(np.float32)
