"""Small OpenVINO models, written by OpenVINO itself, and what opens them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops
from vetgate_openvino.plugin import vetgate_backends

from tests.plugins import tiny
from tests.plugins.tiny import Array, Opener, card_for, draw
from vetgate.api import BackendSpec, Card

MACS = 4 * 4 * 4 * 27 + 5 * 4
"""Of `convolutional` for images of 8 x 8: stride 2."""


OPENER = Opener(next(iter(vetgate_backends())))
weights = tiny.weights
taken, describe, opened = OPENER.taken, OPENER.describe, OPENER.opened


def spec() -> BackendSpec:
    return OPENER.declared


def _constant(name: str, values: NDArray[Any], *, half: bool, small: bool) -> Any:
    if small and values.ndim > 1:
        scale = np.abs(values).max() / 127
        stored = ops.constant(np.round(values / scale).astype(np.int8), name=name)
        return ops.multiply(ops.convert(stored, "f32"), np.float32(scale))
    if half and values.ndim > 1:
        return ops.convert(ops.constant(values.astype(np.float16), name=name), "f32")
    return ops.constant(values, name=name)


def convolutional(
    *, batch: int = -1, size: int = 8, half: bool = False, small: bool = False, outputs: int = 1, dtype: str = "float32"
) -> Any:
    """Return conv (stride 2, ReLU), mean over the picture, fully connected.

    Args:
        batch: Of the input; -1 is free.
        size: Height and width; -1 is free.
        half: Store weights as float16.
        small: Store weights as int8 with a scale.
        outputs: Two adds the mean as a second output.
        dtype: Of the input.
    """
    stored = {name: _constant(name, values, half=half, small=small) for name, values in tiny.weights().items()}
    image = ops.parameter([batch, 3, size, size], np.dtype(dtype), name="image")
    given = image if dtype == "float32" else ops.convert(image, "f32")
    conv = ops.convolution(given, stored["conv.w"], [2, 2], [0, 0], [1, 1], [1, 1], name="conv")
    bias = ops.reshape(stored["conv.b"], np.array([1, 4, 1, 1]), special_zero=False)
    mean = ops.reduce_mean(ops.relu(ops.add(conv, bias), name="relu"), np.array([2, 3]), name="mean")
    product = ops.matmul(mean, stored["fc.w"], transpose_a=False, transpose_b=True, name="fc")
    scores = ops.add(product, stored["fc.b"], name="scores")
    image.output(0).set_names({"image"})
    scores.output(0).set_names({"scores"})
    mean.output(0).set_names({"mean"})
    return openvino.Model([scores, mean][:outputs], [image], "tiny")


def answers(images: Array) -> Array:
    """Return what `convolutional` must answer, by numpy alone."""
    return tiny.answers(images, pad=(0, 1))


def written(folder: Path, model: Any) -> Path:
    path = folder / "model.xml"
    openvino.save_model(model, str(path), compress_to_fp16=False)
    return path


def make_card(**changes: Any) -> Card:
    """Return a card for images of 3 x 8 x 8; `output` and `execution` change those parts, all else its input part."""
    return card_for(8, **changes)


def images(count: int, seed: int = 0) -> Array:
    return draw(count, (3, 8, 8), seed)
