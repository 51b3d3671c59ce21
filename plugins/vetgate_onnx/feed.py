"""From a card's numbers to what an input takes, and from what an output gives to numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Card, CardError, UnreadableArtifact
from vetgate_onnx.quantisation import Scaling

_TYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(uint8)": "uint8",
    "tensor(int8)": "int8", "tensor(uint16)": "uint16", "tensor(int16)": "int16", "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}  # fmt: skip


@dataclass(frozen=True)
class Terminal:
    """An input or an output of a session."""

    name: str
    shape: tuple[int | None, ...]
    """None where the length is free."""
    dtype: np.dtype[np.generic]

    @property
    def quantised(self) -> bool:
        """Whether it holds integers."""
        return self.dtype.kind in "iu"

    @property
    def text(self) -> str:
        """The shape for people, `?` where the length is free."""
        return " x ".join("?" if length is None else str(length) for length in self.shape) or "one number"


def terminal(name: str, kind: str, shape: list[int | str | None]) -> Terminal:
    """Return a session's input or output.

    Raises:
        UnreadableArtifact: It holds no numbers.
    """
    if kind not in _TYPES:
        raise UnreadableArtifact(f"{name!r} is a {kind}; vetgate feeds and reads tensors of numbers")
    lengths = tuple(length if isinstance(length, int) and length > 0 else None for length in shape)
    return Terminal(name, lengths, np.dtype(_TYPES[kind]))


def check_shape(given: Terminal, card: Card) -> None:
    """Compare an input with the card.

    Raises:
        CardError: Rank, channels or size differ; both are named.
    """
    height, width = card.input.size
    channels, layout = card.input.channels, card.input.layout
    wanted = (channels, height, width) if layout == "NCHW" else (height, width, channels)
    lengths = given.shape[1:]
    if len(given.shape) == 4 and all(have in (None, want) for have, want in zip(lengths, wanted, strict=True)):
        return
    said = " x ".join(map(str, wanted))
    raise CardError(
        f"the card says {layout} images of {said}, but input {given.name!r} takes {given.text}",
        hint="set size, colour and layout in the card to what the model takes; vetgate inspect MODEL shows it",
    )


class InputFeed:
    """Casts or quantises images to what an input takes.

    Args:
        given: The input.
        card: How the images were scaled and normalised.
        scaling: The input's own scale and zero point, where the graph states them.

    Raises:
        CardError: The input takes integers, nothing states their scale, and the card's values do not fit them; or it
            takes floating-point numbers too narrow for the card's values.
    """

    def __init__(self, given: Terminal, card: Card, scaling: Scaling | None) -> None:
        self._dtype = given.dtype
        self._scaling = scaling
        if scaling is None:
            _require_range(given, card)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.generic]:
        """Return images (N, ...) as the input takes them, rounded and clipped where it takes integers."""
        if self._dtype.kind == "f":
            return images.astype(self._dtype, copy=False)
        limits = np.iinfo(self._dtype.name)
        numbers = np.round(images if self._scaling is None else images / np.float32(self._scaling.scale))
        numbers = numbers + np.float32(0 if self._scaling is None else self._scaling.zero_point)
        clipped: NDArray[np.generic] = np.clip(numbers, limits.min, limits.max).astype(self._dtype)
        return clipped


def _require_range(given: Terminal, card: Card) -> None:
    """Refuse a card whose values are no numbers of the input's type: how to quantise or clip them would be a guess."""
    limits = np.iinfo(given.dtype.name) if given.quantised else np.finfo(given.dtype.name)
    pixels = np.arange(256, dtype=np.float64) * card.input.scale
    mean, std = (np.asarray(part, np.float64)[:, np.newaxis] for part in (card.input.mean, card.input.std))
    values = (pixels[np.newaxis] - mean) / std
    whole = not given.quantised or np.array_equal(values, np.round(values))
    if whole and values.min() >= limits.min and values.max() <= limits.max:
        return
    raise CardError(
        f"input {given.name!r} takes {given.dtype.name} and the file states no scale for it, but the card's values run "
        f"from {values.min():.4g} to {values.max():.4g} and are no {given.dtype.name} numbers",
        hint="for raw pixels write scale: 1, mean: [0], std: [1] in the card",
    )


@dataclass(frozen=True)
class Exit:
    """An output and how its integers become numbers."""

    port: Terminal
    scaling: Scaling | None
    """None where it is no integer, or one that says what it means by itself, such as the number of a class."""


def require_scores(way_out: Exit) -> None:
    """Refuse an output of integers without a scale.

    Raises:
        UnreadableArtifact: It is one.
    """
    if way_out.port.quantised and way_out.scaling is None:
        raise UnreadableArtifact(
            f"its output {way_out.port.name!r} is {way_out.port.dtype.name} and the file states no scale for it",
            hint="export the class scores, not the number of the best class",
        )


def numbers(raw: NDArray[np.generic], way_out: Exit) -> NDArray[np.float32]:
    """Return an output as numbers."""
    values = raw.astype(np.float32)
    scaling = way_out.scaling
    return values if scaling is None else (values - np.float32(scaling.zero_point)) * np.float32(scaling.scale)


def scores(values: NDArray[np.float32], way_out: Exit, images: int) -> NDArray[np.float32]:
    """Return an output that is (N, C).

    Raises:
        UnreadableArtifact: It is not.
    """
    if values.ndim != 2:
        shape = " x ".join(map(str, values.shape))
        raise UnreadableArtifact(
            f"its output {way_out.port.name!r} has shape {shape}; one row of class scores for each image is needed",
            hint="flatten it to (N, classes) when exporting, or name another output in the card",
        )
    if len(values) != images:
        raise UnreadableArtifact(
            f"its output {way_out.port.name!r} has {len(values)} rows for {images} images",
            hint="its batch is fixed inside the graph: export it with a batch that is fixed or free throughout",
        )
    return values
