"""Small ncnn models, written by code, and what opens them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vetgate_ncnn.backend import NcnnBackend
from vetgate_ncnn.plugin import vetgate_backends

from vetgate.api import Artifact, BackendSpec, Card, Model, OpenOptions, Structure
from vetgate.artifacts import Vault

FLOAT, HALF, INT8 = b"\0\0\0\0", (0x01306B47).to_bytes(4, "little"), (0x000D4B38).to_bytes(4, "little")
SIDE = 7
"""Height and width of an image; its planes do not end at multiples of 16 bytes."""
MACS = 4 * 4 * 4 * 27 + 5 * 4
"""Of `convolutional`: stride 2, one pixel of padding."""


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


LAYERS = """\
Input            image  0 1 image
Convolution      conv   1 1 image hidden 0=4 1=3 3=2 4=1 5=1 6=108 9=1
Pooling          pool   1 1 hidden mean 0=1 4=1
InnerProduct     fc     1 1 mean scores 0=5 1=1 2=20
"""


def text_of(layers: str = LAYERS) -> str:
    """Return the first file of layers; each line's blobs are counted."""
    lines = layers.splitlines()
    blobs = sum(int(line.split()[3]) for line in lines)
    return f"7767517\n{len(lines)} {blobs}\n{layers}"


def weights_of(*, half: bool = False) -> bytes:
    """Return the second file of `LAYERS`."""
    parts = []
    for values in weights().values():
        if values.ndim == 1:
            parts.append(values.tobytes())
        else:
            parts.append(HALF + values.astype(np.float16).tobytes() if half else FLOAT + values.tobytes())
    return b"".join(parts)


def written(folder: Path, layers: str = LAYERS, data: bytes | None = None, **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.param"
    path.write_text(text_of(layers), encoding="utf-8")
    path.with_suffix(".bin").write_bytes(weights_of(**options) if data is None else data)
    return path


def answers(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the model must answer, by numpy alone."""
    values = weights()
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((len(images), 4, 4, 4))
    for row in range(4):
        for column in range(4):
            patch = padded[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            out[:, :, row, column] = np.tensordot(patch, values["conv.w"], ([1, 2, 3], [1, 2, 3])) + values["conv.b"]
    mean = np.maximum(out, 0).mean((2, 3))
    return np.asarray(mean @ values["fc.w"].T + values["fc.b"], np.float32)


def make_card(**changes: Any) -> Card:
    """Return a card for images of 3 x 7 x 7; `output` and `execution` change those parts, all else its input part."""
    given: dict[str, Any] = {
        "size": [SIDE, SIDE], "resize": "none", "colour": "rgb", "scale": 1 / 255, "mean": [0], "std": [1],
        "layout": "NCHW",
    }  # fmt: skip
    given.update({key: value for key, value in changes.items() if key not in ("output", "execution")})
    output = {"kind": "logits", **changes.get("output", {})}
    return Card.model_validate({"version": 1, "input": given, "output": output, "execution": changes.get("execution")})


def images(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 3, SIDE, SIDE), dtype=np.float32)


@contextmanager
def taken(path: Path) -> Iterator[Artifact]:
    """Take a model in as the gate does."""
    with Vault() as vault:
        yield vault.take(str(path), [spec()])


def describe(path: Path, card: Card | None = None) -> Structure:
    with taken(path) as artifact:
        return NcnnBackend().describe(artifact, card, OpenOptions())


@contextmanager
def opened(path: Path, card: Card, **options: Any) -> Iterator[Model]:
    options = {"batch_size": 8, **options}
    with (
        taken(path) as artifact,
        NcnnBackend().open(artifact, card, OpenOptions(**options)) as model,
    ):
        yield model
