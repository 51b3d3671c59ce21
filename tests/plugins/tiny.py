"""One small network for every runtime, a convolution of stride 2, a mean and a linear layer, and what opens it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Artifact, BackendSpec, Card, Model, OpenOptions, Structure
from vetgate.artifacts import Vault

Array = NDArray[np.float32]
Sides = tuple[int, int]


def weights() -> dict[str, NDArray[Any]]:
    """Return the parameters, as most formats store them."""
    draw = np.random.default_rng(1)
    return {
        "conv.w": draw.normal(size=(4, 3, 3, 3)).astype(np.float32),  # out, in, height, width
        "conv.b": draw.normal(size=4).astype(np.float32),
        "fc.w": draw.normal(size=(5, 4)).astype(np.float32),
        "fc.b": draw.normal(size=5).astype(np.float32),
    }


def answers(images: Array, values: dict[str, NDArray[Any]] | None = None, *, pad: Sides = (1, 1)) -> Array:
    """Return what the network must answer to images (N, C, H, W), by numpy alone.

    Args:
        images: Of any size.
        values: Other parameters.
        pad: Zeros before and behind each row and column.
    """
    values = values or weights()
    padded = np.pad(images, ((0, 0), (0, 0), pad, pad))
    side = (padded.shape[2] - 3) // 2 + 1
    out = np.zeros((len(images), 4, side, side))
    for row in range(side):
        for column in range(side):
            patch = padded[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            out[:, :, row, column] = np.tensordot(patch, values["conv.w"], ([1, 2, 3], [1, 2, 3])) + values["conv.b"]
    mean = np.maximum(out, 0).mean((2, 3))
    return np.asarray(mean @ values["fc.w"].T + values["fc.b"], np.float32)


def card_for(side: int, *, layout: str = "NCHW", **changes: Any) -> Card:
    """Return a card for square images; `output` and `execution` change those parts, all else its input part."""
    given: dict[str, Any] = {
        "size": [side, side], "resize": "none", "colour": "rgb", "scale": 1 / 255, "mean": [0], "std": [1],
        "layout": layout,
    }  # fmt: skip
    given.update({key: value for key, value in changes.items() if key not in ("output", "execution")})
    output = {"kind": "logits", **changes.get("output", {})}
    return Card.model_validate({"version": 1, "input": given, "output": output, "execution": changes.get("execution")})


def draw(count: int, shape: Sequence[int], seed: int) -> Array:
    """Return images (N, *shape) as a model is fed them."""
    return np.random.default_rng(seed).random((count, *shape), dtype=np.float32)


@dataclass(frozen=True)
class Opener:
    """Takes models in as the gate does, and opens them in this process."""

    declared: BackendSpec

    @contextmanager
    def taken(self, path: Path, known: str | None = None) -> Iterator[Artifact]:
        """Yield a model; one of another backend's format is named by that."""
        if known is not None:
            yield Artifact(path=str(path), name=path.name, format=known, backend=self.declared.name, members=())
            return
        with Vault() as vault:
            yield vault.take(str(path), [self.declared])

    def describe(self, path: Path, card: Card | None = None, known: str | None = None) -> Structure:
        """Return what a model holds."""
        with self.taken(path, known) as artifact:
            return self.declared.factory().describe(artifact, card, OpenOptions())

    @contextmanager
    def opened(self, path: Path, card: Card, known: str | None = None, **options: Any) -> Iterator[Model]:
        """Yield a model, open."""
        chosen = OpenOptions(**{"batch_size": 8, **options})
        with self.taken(path, known) as artifact, self.declared.factory().open(artifact, card, chosen) as model:
            yield model
