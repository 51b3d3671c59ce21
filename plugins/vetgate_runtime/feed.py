"""From a card's numbers to what an input takes, and from what an output gives to numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Card, CardError, Port, UnreadableArtifact

FED = frozenset({"float32", "float16", "float64", "uint8", "int8", "uint16", "int16", "int32", "int64"})
"""Types of numbers that a port may hold."""


def shape_text(port: Port) -> str:
    """Return a port's shape for people, `?` where the length is free."""
    return " x ".join("?" if length is None else str(length) for length in port.shape) or "one number"


def image_shape(card: Card) -> tuple[int, int, int]:
    """Return the lengths of one image in the card's layout."""
    height, width = card.input.size
    channels = card.input.channels
    return (channels, height, width) if card.input.layout == "NCHW" else (height, width, channels)


def only_input(ports: Sequence[Port]) -> Port:
    """Return the one input of a model.

    Raises:
        UnreadableArtifact: It has none or several.
    """
    if len(ports) == 1:
        return ports[0]
    names = ", ".join(port.name for port in ports)
    listed = f"{len(ports)} inputs ({names})" if ports else "no input"
    raise UnreadableArtifact(f"has {listed}; vetgate feeds models with one image input")


def choose_output(names: Sequence[str], name: str | None, shapes: Sequence[str] = ()) -> int:
    """Return the place of the output that the card means.

    Args:
        names: Of the outputs, in the model's order.
        name: What the card calls it; None where it names none.
        shapes: Of the outputs, for people, where they are known.

    Raises:
        CardError: The card names none of several, or one that is not there.
    """
    told = [f"{each} [{shape}]" for each, shape in zip(names, shapes, strict=True)] if shapes else names
    listed = ", ".join(told) or "none"
    if name is not None:
        if list(names).count(name) != 1:
            several = "more than one of that name" if name in names else listed
            raise CardError(
                f"the card names output {name!r}, but the model has {several}",
                hint="write output: {name: ...} with the one that holds the classes in the card",
            )
        return list(names).index(name)
    if len(names) == 1:
        return 0
    raise CardError(
        f"the model has {len(names)} outputs ({listed}) and the card does not say which holds the classes",
        hint="write output: {name: ...} in the card",
    )


def check_input(port: Port, card: Card) -> None:
    """Compare an input with the card.

    Raises:
        UnreadableArtifact: It takes no numbers.
        CardError: Rank, channels or size differ (both are named), or the file states no scale and the card's values
            are no numbers of the input's type.
    """
    if port.dtype not in FED:
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


def as_taken(images: NDArray[np.float32], port: Port) -> NDArray[np.generic]:
    """Return images as the input takes them: cast, or scaled, moved by the zero point, rounded and clipped."""
    dtype = np.dtype(port.dtype)
    if dtype.kind == "f":
        return images.astype(dtype, copy=False)
    limits = np.iinfo(port.dtype)
    lowest, highest = (_within(limit, limits) for limit in (limits.min, limits.max))
    numbers = np.round(images if port.scale is None else images / np.float32(port.scale))
    moved = numbers + np.float32(port.zero_point or 0)
    stored: NDArray[np.generic] = np.clip(moved, lowest, highest).astype(dtype)
    return stored


def _within(limit: int, limits: np.iinfo[Any]) -> np.float32:
    """Return the limit of a type as a float32 that the type can hold: 2³¹ - 1 has none, and is rounded to 2³¹."""
    near = np.float32(limit)
    return near if limits.min <= int(near) <= limits.max else np.nextafter(near, np.float32(0))


def as_scores(raw: NDArray[np.generic], name: str, images: int) -> NDArray[np.float32]:
    """Return an output as class scores (N, C), a copy of its own.

    Args:
        raw: What the runtime gave.
        name: Of the output, for messages.
        images: How many were fed.

    Raises:
        UnreadableArtifact: It is not one row of floating-point numbers for each image.
    """
    shape = " x ".join(map(str, raw.shape))
    if raw.ndim != 2:
        raise UnreadableArtifact(
            f"its output {name!r} has shape {shape}; one row of class scores for each image is needed",
            hint="flatten it to (N, classes) when exporting, or name another output in the card",
        )
    if raw.dtype.kind != "f":
        raise UnreadableArtifact(
            f"its output {name!r} is {raw.dtype.name} and the file states no scale for it",
            hint="export the class scores, not the number of the best class",
        )
    if len(raw) != images:
        raise UnreadableArtifact(
            f"its output {name!r} has {len(raw)} rows for {images} images",
            hint="its batch is fixed inside the graph: export it with a batch that is fixed or free throughout",
        )
    return np.array(raw, dtype=np.float32)


def in_batches(
    fed: NDArray[np.generic], length: int | None, run: Callable[[NDArray[np.generic]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return the answers to images, asked in parts of a model's fixed batch; the last is filled up by its last image.

    Args:
        fed: As the input takes them (N, ...).
        length: The fixed batch; None where it is free.
        run: Answers one part, (n, C) for n images.
    """
    if length is None or length == len(fed):
        return run(fed)
    return np.concatenate([run(part) for part in parts_of(fed, length)])[: len(fed)]


def parts_of(fed: NDArray[np.generic], length: int) -> Iterator[NDArray[np.generic]]:
    """Yield images (N, ...) in parts of a fixed batch; the last is filled up by its last image."""
    for start in range(0, len(fed), length):
        part = fed[start : start + length]
        missing = length - len(part)
        yield np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part


def joined(parts: Sequence[Sequence[NDArray[np.float32]]], fixed: int, images: int) -> list[NDArray[np.float32]]:
    """Return the outputs of several batches of a fixed length as of one.

    Raises:
        UnreadableArtifact: They have no axis for images, or other lengths from batch to batch.
    """
    shapes = [[values.shape for values in part] for part in parts]
    if any(shape[:1] != (fixed,) for shape in shapes[0]) or any(other != shapes[0] for other in shapes):
        raise UnreadableArtifact(
            f"its batch is fixed to {fixed}, and its answers to {images} images cannot be taken apart or joined, for "
            "they have no axis for images, or a length of their own",
            hint="set batch: 1 in the card, or export it with a batch that is free",
        )
    return [np.concatenate(values)[:images] for values in zip(*parts, strict=True)]


def one_line(error: BaseException, longest: int = 240) -> str:
    """Return what a library says of an error, in one line for people."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in str(error)).split()).rstrip(".")
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
