"""Small Keras archives, saved by Keras itself, and what opens them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vetgate_keras.archive import keras
from vetgate_keras.backend import KerasBackend
from vetgate_keras.plugin import vetgate_backends

from vetgate.api import Artifact, BackendSpec, Card, Model, OpenOptions, Structure
from vetgate.artifacts import Vault

SIDE = 7
"""Height and width of an image."""
MACS = 3 * 3 * 4 * 27 + 5 * 4
"""Of `network`: stride 2, no padding."""
Array = NDArray[np.float32]


def spec() -> BackendSpec:
    return next(iter(vetgate_backends()))


def weights() -> dict[str, Array]:
    draw = np.random.default_rng(1)
    return {
        "conv.w": draw.normal(size=(3, 3, 3, 4)).astype(np.float32),  # height, width, in, out
        "conv.b": draw.normal(size=4).astype(np.float32),
        "fc.w": draw.normal(size=(4, 5)).astype(np.float32),
        "fc.b": draw.normal(size=5).astype(np.float32),
    }


def network(*, batch: int | None = None, sequential: bool = False, second: bool = False, dtype: str = "float32",
            order: str = "channels_last") -> Any:  # fmt: skip
    """Return a convolution, a mean and a linear layer."""
    layers, values = keras().layers, list(weights().values())
    shape = (SIDE, SIDE, 3) if order == "channels_last" else (3, SIDE, SIDE)
    image = keras().Input(shape, batch_size=batch, name="image")
    inner = [
        layers.Conv2D(4, 3, strides=2, activation="relu", data_format=order, name="conv", dtype=dtype),
        layers.GlobalAveragePooling2D(data_format=order, name="mean", dtype=dtype),
        layers.Dropout(0.5, name="dropout", dtype=dtype),
        layers.Dense(5, name="scores", dtype=dtype),
    ]
    if sequential:
        made = keras().Sequential([keras().Input(shape, batch_size=batch, name="image"), *inner])
    else:
        last = image
        for layer in inner:
            last = layer(last)
        outputs = [last, layers.Softmax(name="shares")(last)] if second else last
        made = keras().Model(image, outputs)
    made.get_layer("conv").set_weights(values[:2])
    made.get_layer("scores").set_weights(values[2:])
    made.compile(loss="mse", optimizer="adam")
    return made


def written(folder: Path, **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.keras"
    network(**options).save(str(path))
    return path


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the configuration of an archive."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def layer_of(config: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in config["config"]["layers"] if one["config"]["name"] == name)
    return found


def answers(images: Array) -> Array:
    """Return what the network must answer to images (N, H, W, C), by numpy alone."""
    values = weights()
    out = np.zeros((len(images), 3, 3, 4))
    for row in range(3):
        for column in range(3):
            patch = images[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            out[:, row, column] = np.tensordot(patch, values["conv.w"], ([1, 2, 3], [0, 1, 2])) + values["conv.b"]
    mean = np.maximum(out, 0).mean((1, 2))
    return np.asarray(mean @ values["fc.w"] + values["fc.b"], np.float32)


def make_card(**changes: Any) -> Card:
    """Return a card for images of 7 x 7 x 3; `output` changes that part, all else its input part."""
    given: dict[str, Any] = {
        "size": [SIDE, SIDE], "resize": "none", "colour": "rgb", "scale": 1 / 255, "mean": [0], "std": [1],
        "layout": "NHWC",
    }  # fmt: skip
    given.update({key: value for key, value in changes.items() if key != "output"})
    return Card.model_validate(
        {"version": 1, "input": given, "output": {"kind": "logits", **changes.get("output", {})}}
    )


def images(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((count, SIDE, SIDE, 3), dtype=np.float32)


@contextmanager
def taken(path: Path) -> Iterator[Artifact]:
    """Take a model in as the gate does."""
    with Vault() as vault:
        yield vault.take(str(path), [spec()])


def describe(path: Path) -> Structure:
    with taken(path) as artifact:
        return KerasBackend().describe(artifact, None, OpenOptions())


@contextmanager
def opened(path: Path, card: Card, **options: Any) -> Iterator[Model]:
    options = {"batch_size": 8, **options}
    with taken(path) as artifact, KerasBackend().open(artifact, card, OpenOptions(**options)) as model:
        yield model
