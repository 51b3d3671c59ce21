"""Small OpenVINO models, written by OpenVINO itself, and what opens them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops
from vetgate_openvino.backend import OpenvinoBackend
from vetgate_openvino.plugin import vetgate_backends

from vetgate.api import Artifact, BackendSpec, Card, Model, OpenOptions, Structure
from vetgate.artifacts import Vault

MACS = 4 * 4 * 4 * 27 + 5 * 4
"""Of `convolutional` for images of 8 x 8: stride 2."""


def spec() -> BackendSpec:
    return next(iter(vetgate_backends()))


def weights() -> dict[str, NDArray[Any]]:
    draw = np.random.default_rng(1)
    return {
        "conv.w": draw.normal(size=(4, 3, 3, 3)).astype(np.float32),  # out, in, height, width
        "conv.b": draw.normal(size=4).astype(np.float32),
        "fc.w": draw.normal(size=(5, 4)).astype(np.float32),
        "fc.b": draw.normal(size=5).astype(np.float32),
    }


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
    stored = {name: _constant(name, values, half=half, small=small) for name, values in weights().items()}
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


def answers(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what `convolutional` must answer, by numpy alone."""
    values = weights()
    padded = np.pad(images, ((0, 0), (0, 0), (0, 1), (0, 1)))
    out = np.zeros((len(images), 4, 4, 4))
    for row in range(4):
        for column in range(4):
            patch = padded[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            out[:, :, row, column] = np.tensordot(patch, values["conv.w"], ([1, 2, 3], [1, 2, 3])) + values["conv.b"]
    mean = np.maximum(out, 0).mean((2, 3))
    return np.asarray(mean @ values["fc.w"].T + values["fc.b"], np.float32)


def written(folder: Path, model: Any) -> Path:
    path = folder / "model.xml"
    openvino.save_model(model, str(path), compress_to_fp16=False)
    return path


def make_card(**changes: Any) -> Card:
    """Return a card for images of 3 x 8 x 8; `output` and `execution` change those parts, all else its input part."""
    given: dict[str, Any] = {
        "size": [8, 8], "resize": "none", "colour": "rgb", "scale": 1 / 255, "mean": [0], "std": [1], "layout": "NCHW",
    }  # fmt: skip
    given.update({key: value for key, value in changes.items() if key not in ("output", "execution")})
    output = {"kind": "logits", **changes.get("output", {})}
    return Card.model_validate({"version": 1, "input": given, "output": output, "execution": changes.get("execution")})


def images(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 3, 8, 8), dtype=np.float32)


@contextmanager
def taken(path: Path, known: str = "openvino") -> Iterator[Artifact]:
    """Take a model in as the gate does."""
    if known != "openvino":
        yield Artifact(path=str(path), name=path.name, format=known, backend="openvino", members=())
        return
    with Vault() as vault:
        yield vault.take(str(path), [spec()])


def describe(path: Path, card: Card | None = None, known: str = "openvino") -> Structure:
    with taken(path, known) as artifact:
        return OpenvinoBackend().describe(artifact, card, OpenOptions())


@contextmanager
def opened(path: Path, card: Card, known: str = "openvino", **options: Any) -> Iterator[Model]:
    options = {"batch_size": 8, **options}
    with (
        taken(path, known) as artifact,
        OpenvinoBackend().open(artifact, card, OpenOptions(**options)) as model,
    ):
        yield model
