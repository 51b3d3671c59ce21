"""Landscapes of models that are made up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vetgate.domain.report import DataSummary
from vetgate.landscape import landscape_of
from vetgate.reporting import Landscape, Part, Point

Maker = Callable[..., Landscape]
HOSTILE = ("<script>alert(1)</script>", "$x^2$", "--><b>", "\x1b[31mred", "a&b", "[link](x)", "名前")


def _make(points: int = 14, *, names: tuple[str, ...] = (), accuracy: bool = True, apart: float = 1.0) -> Landscape:
    """Return a landscape of a reference, copies near it, independents with checkpoints, and broken models."""
    rng = np.random.default_rng(0)
    base = 3 * rng.normal(size=(200, 5))
    found, matrices = [], []
    for index in range(points):
        part = (Part.VARIANT, Part.INDEPENDENT, Part.CHECKPOINT)[index % 3] if index else Part.REFERENCE
        trained = part in (Part.INDEPENDENT, Part.CHECKPOINT)
        found.append(
            Point(
                name=names[index] if index < len(names) else f"models/{part}-{index}.onnx",
                part=part,
                family=f"family {index % 2}" if part is Part.VARIANT else "",
                run=f"run {index // 3}" if trained else "",
                step=2 if part is Part.INDEPENDENT else int(trained),
                accuracy=0.9 - index / 100 if accuracy else None,
            )
        )
        noise = 0.0 if index == 0 else apart * 10.0 ** (index / 4 - 3)
        logits = base + noise * rng.normal(size=base.shape)
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        matrices.append(grown / grown.sum(axis=1, keepdims=True))
    data = DataSummary(name="eval.npz", sha256="a" * 64, images=200, available=200, labelled=accuracy, classes=None)
    return landscape_of(found, matrices, data, seed=0)


@pytest.fixture
def make() -> Maker:
    """Return what makes a landscape without coordinates."""
    return _make


@pytest.fixture
def hostile() -> tuple[str, ...]:
    """Return names that would mean something to a document."""
    return HOSTILE
