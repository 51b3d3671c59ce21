"""Small ncnn models, written by code, and what opens them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from vetgate_ncnn.plugin import vetgate_backends

from tests.plugins import tiny
from tests.plugins.tiny import Array, Opener, card_for, draw
from vetgate.api import BackendSpec, Card

FLOAT, HALF, INT8 = b"\0\0\0\0", (0x01306B47).to_bytes(4, "little"), (0x000D4B38).to_bytes(4, "little")
SIDE = 7
"""Height and width of an image; its planes do not end at multiples of 16 bytes."""
MACS = 4 * 4 * 4 * 27 + 5 * 4
"""Of `convolutional`: stride 2, one pixel of padding."""


OPENER = Opener(next(iter(vetgate_backends())))
answers, weights = tiny.answers, tiny.weights
taken, describe, opened = OPENER.taken, OPENER.describe, OPENER.opened


def spec() -> BackendSpec:
    return OPENER.declared


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


def make_card(**changes: Any) -> Card:
    """Return a card for images of 3 x 7 x 7; `output` and `execution` change those parts, all else its input part."""
    return card_for(SIDE, **changes)


def images(count: int, seed: int = 0) -> Array:
    return draw(count, (3, SIDE, SIDE), seed)
