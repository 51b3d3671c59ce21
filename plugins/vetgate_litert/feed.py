"""From a card's numbers to what an input takes, and from what an output gives to numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Card, CardError, Port, UnreadableArtifact

_FED = ("float32", "float16", "float64", "uint8", "int8", "int16", "int32")


def shape_text(port: Port) -> str:
    """Return a port's shape for people, `?` where the length is free."""
    return " x ".join("?" if length is None else str(length) for length in port.shape) or "one number"


def image_shape(card: Card) -> tuple[int, int, int]:
    """Return the lengths of one image in the card's layout."""
    height, width = card.input.size
    channels = card.input.channels
    return (channels, height, width) if card.input.layout == "NCHW" else (height, width, channels)


def check_input(port: Port, card: Card) -> None:
    """Compare an input with the card.

    Raises:
        UnreadableArtifact: It takes no numbers.
        CardError: Rank, channels or size differ (both are named), or the file states no scale and the card's values
            are no numbers of the input's type.
    """
    if port.dtype not in _FED:
        raise UnreadableArtifact(f"input {port.name!r} takes {port.dtype}; vetgate feeds tensors of numbers")
    wanted = image_shape(card)
    if len(port.shape) != 4 or any(have not in (None, want) for have, want in zip(port.shape[1:], wanted, strict=True)):
        said = " x ".join(map(str, wanted))
        raise CardError(
            f"the card says {card.input.layout} images of {said}, but input {port.name!r} takes {shape_text(port)}",
            hint="set size, colour and layout in the card to what the model takes; vetgate inspect MODEL shows it",
        )
    if port.scale is None:
        _require_range(port, card)


def _require_range(port: Port, card: Card) -> None:
    """Refuse a card whose values are no numbers of the input's type: how to quantise or clip them would be a guess."""
    floating = np.dtype(port.dtype).kind == "f"
    limits = np.finfo(port.dtype) if floating else np.iinfo(port.dtype)
    values = card_values(card, np.arange(256)[np.newaxis])
    whole = floating or np.array_equal(values, np.round(values))
    if whole and values.min() >= limits.min and values.max() <= limits.max:
        return
    raise CardError(
        f"input {port.name!r} takes {port.dtype} and the file states no scale for it, but the card's values run from "
        f"{values.min():.4g} to {values.max():.4g} and are no {port.dtype} numbers",
        hint="for raw pixels write scale: 1, mean: [0], std: [1] in the card",
    )


def card_values(card: Card, pixels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return 8-bit pixels (..., P) as the card scales and normalises them, by channel (channels or 1, P)."""
    mean, std = (np.asarray(part, np.float64)[:, np.newaxis] for part in (card.input.mean, card.input.std))
    return np.asarray((pixels * card.input.scale - mean) / std)


def quantise(images: NDArray[np.float32], port: Port) -> NDArray[np.generic]:
    """Return images as the input takes them: cast, or scaled, moved by the zero point, rounded and clipped."""
    dtype = np.dtype(port.dtype)
    if dtype.kind == "f":
        return images.astype(dtype, copy=False)
    limits = np.iinfo(port.dtype)
    numbers = np.round(images if port.scale is None else images / np.float32(port.scale))
    moved = numbers + np.float32(port.zero_point or 0)
    stored: NDArray[np.generic] = np.clip(moved, limits.min, limits.max).astype(dtype)
    return stored


def dequantise(raw: NDArray[np.generic], port: Port) -> NDArray[np.float32]:
    """Return an output as numbers."""
    numbers = raw.astype(np.float32)
    if port.scale is None:
        return numbers
    return (numbers - np.float32(port.zero_point or 0)) * np.float32(port.scale)


def check_output(port: Port) -> None:
    """Refuse an output that holds no class scores.

    Raises:
        UnreadableArtifact: It is not (N, C), or integers without a scale.
    """
    if len(port.shape) != 2:
        raise UnreadableArtifact(
            f"its output {port.name!r} has shape {shape_text(port)}; one row of class scores for each image is needed",
            hint="flatten it to (N, classes) when converting, or name another output in the card",
        )
    if port.dtype not in _FED or (np.dtype(port.dtype).kind in "iu" and port.scale is None):
        raise UnreadableArtifact(
            f"its output {port.name!r} is {port.dtype} and the file states no scale for it",
            hint="convert the class scores, not the number of the best class",
        )
