"""One small network and its images: what every odd model of this suite is made of, and what it must answer."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
SIDE, CLASSES, FILTERS, KERNEL = 8, 10, 8, 3
OUT = 3
"""Side of what the convolution gives: kernel 3, stride 2, no padding."""
MACS = OUT * OUT * FILTERS * KERNEL * KERNEL * 3 + FILTERS * CLASSES
PARAMS = FILTERS * KERNEL * KERNEL * 3 + FILTERS + FILTERS * CLASSES + CLASSES


@cache
def weights() -> dict[str, NDArray[np.float32]]:
    """Return conv.w (out, in, height, width), conv.b, fc.w (classes, filters), fc.b; some weights are zero."""
    draw = np.random.default_rng(11)
    conv = draw.normal(size=(FILTERS, 3, KERNEL, KERNEL)) + draw.normal(size=(FILTERS, 3, 1, 1))
    conv[:, 1, 1, 1] = 0
    made = {
        "conv.w": conv, "conv.b": draw.normal(size=FILTERS), "fc.w": draw.normal(size=(CLASSES, FILTERS)),
        "fc.b": np.zeros(CLASSES),
    }  # fmt: skip
    mean = _features(pixels(256) / 255, made).mean(axis=0)
    made["fc.b"] = -(made["fc.w"] @ mean)  # no class wins by its bias alone
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in made.items()}


def pixels(count: int, side: int = SIDE) -> NDArray[np.uint8]:
    """Return images (N, side, side, 3), each of a colour of its own with noise."""
    draw = np.random.default_rng(3)
    colour = draw.integers(0, 256, (count, 1, 1, 3))
    noise = draw.normal(scale=30, size=(count, side, side, 3))
    made: NDArray[np.uint8] = np.clip(colour + noise, 0, 255).astype(np.uint8)
    return made


def _features(images: Floats, of: dict[str, Any]) -> Floats:
    """Return (N, FILTERS) means of the convolution's positive answers, in float64."""
    windows = np.lib.stride_tricks.sliding_window_view(images.astype(np.float64), (KERNEL, KERNEL), axis=(1, 2))
    hidden = np.einsum("nhwcij,ocij->nhwo", windows[:, ::2, ::2], of["conv.w"]) + of["conv.b"]
    mean: Floats = np.maximum(hidden, 0).mean(axis=(1, 2))
    return mean


def logits(images: Floats, of: dict[str, Any] | None = None) -> Floats:
    """Return the answers (N, CLASSES) to images (N, H, W, 3) in float64."""
    told = of or weights()
    scores: Floats = _features(images, told) @ told["fc.w"].T.astype(np.float64) + told["fc.b"]
    return scores


def softmax(scores: Floats) -> Floats:
    """Return probabilities of rows."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def rounded(values: Floats, bits: int, axis: int | None = None) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return values as integers of so many bits around zero, and their scale: one, or one for each place on an axis."""
    others = None if axis is None else tuple(place for place in range(values.ndim) if place != axis)
    most = np.abs(values).max(axis=others, keepdims=True)
    scale = (most / (2 ** (bits - 1) - 1)).astype(np.float32)
    whole = np.round(values / scale).astype(np.int64)
    return whole, scale.reshape(-1)


def spanned(low: float, high: float, bits: int, *, signed: bool) -> tuple[float, int]:
    """Return the scale and zero point by which integers of so many bits span low to high."""
    scale = float(np.float32((high - low) / (2**bits - 1)))
    least = -(2 ** (bits - 1)) if signed else 0
    return scale, int(np.clip(round(least - low / scale), least, least + 2**bits - 1))
