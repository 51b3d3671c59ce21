"""Small Keras archives, saved by Keras itself, and what opens them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from vetgate_keras.archive import keras
from vetgate_keras.plugin import vetgate_backends

from tests.plugins import tiny
from tests.plugins.tiny import Array, Opener, card_for, draw
from vetgate.api import BackendSpec, Card

SIDE = 7
"""Height and width of an image."""
MACS = 3 * 3 * 4 * 27 + 5 * 4
"""Of `network`: stride 2, no padding."""


OPENER = Opener(next(iter(vetgate_backends())))
taken, describe, opened = OPENER.taken, OPENER.describe, OPENER.opened


def spec() -> BackendSpec:
    return OPENER.declared


def weights() -> dict[str, Array]:
    """Return the parameters as Keras stores them: height, width, in, out; in, out."""
    found = tiny.weights()
    return found | {"conv.w": found["conv.w"].transpose(2, 3, 1, 0), "fc.w": found["fc.w"].T}


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
    return tiny.answers(np.moveaxis(images, -1, 1), pad=(0, 0))


def make_card(**changes: Any) -> Card:
    """Return a card for images of 7 x 7 x 3; `output` changes that part, all else its input part."""
    return card_for(SIDE, **{"layout": "NHWC", **changes})


def images(count: int, seed: int = 0) -> Array:
    return draw(count, (SIDE, SIDE, 3), seed)
