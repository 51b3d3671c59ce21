from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn
from vetgate_compress.plugin import vetgate_compressors

from vetgate.api import Bench, Card, CompressorSpec, Made, Recipe, Setting, Takes, TrainingSet

FASHION = Path(__file__).parents[3] / "examples" / "fashion"
IMAGES = 2000
"""Of the example, that answers are compared on."""


@dataclass(frozen=True)
class Variant:
    """A file that a compressor wrote."""

    path: Path
    made: Made

    @property
    def model(self) -> onnx.ModelProto:
        return onnx.load(self.path)

    @property
    def weights(self) -> dict[str, NDArray[Any]]:
        """Arrays of more than one dimension by name."""
        arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}
        return {name: array for name, array in arrays.items() if array.ndim > 1}

    @property
    def operators(self) -> Counter[str]:
        return Counter(node.op_type for node in self.model.graph.node)

    def answer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        session = onnxruntime.InferenceSession(str(self.path), providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return np.concatenate(
            [session.run(None, {name: part})[0] for part in np.split(images, range(100, len(images), 100))]
        )


def specs() -> dict[str, CompressorSpec]:
    return {spec.name: spec for spec in vetgate_compressors()}


def compress(name: str, bench: Bench) -> Variant:
    return Variant(bench.output, specs()[name].factory().compress(bench))


def tiny() -> nn.Module:
    """A small convolutional classifier of 3 x 8 x 8 images: convolution weights of 432 and 2,304, a linear of 80."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 5),
    )
    with torch.no_grad():
        model(torch.randn(64, 3, 8, 8))
    return model.eval()


def tiny_card(**changes: Any) -> Card:
    content = {
        "version": 1,
        "input": {
            "size": [8, 8],
            "resize": "none",
            "colour": "rgb",
            "scale": 1 / 255,
            "mean": [0.5],
            "std": [0.25],
            "layout": changes.pop("layout", "NCHW"),
        },
        "output": {"kind": "logits", **changes},
    }
    return Card.model_validate(content)


def normalise(card: Card) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    def apply(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        scaled = (pixels * card.input.scale - np.asarray(card.input.mean)) / np.asarray(card.input.std)
        order = (0, 3, 1, 2) if card.input.layout == "NCHW" else (0, 1, 2, 3)
        return np.ascontiguousarray(scaled.astype(np.float32).transpose(order))

    return apply


MakeBench = Callable[..., Bench]


@pytest.fixture
def workbench(tmp_path: Path) -> MakeBench:
    """Lay out a bench for the tiny network; anything of it may be changed."""

    def lay(module: Callable[[], nn.Module] = tiny, card: Card | None = None, **changes: Any) -> Bench:
        fed = card or tiny_card()
        settings: dict[str, Setting] = changes.pop("settings", {})
        pixels = np.random.default_rng(0).integers(256, size=(60, 8, 8, 3)).astype(np.uint8)
        bench = Bench(
            source=tmp_path / "reference.pt",
            output=tmp_path / "variant.onnx",
            card=fed,
            module=lambda: module().eval(),
            donor=None,
            initial=None,
            calibration=TrainingSet(pixels, None),
            training=None,
            normalise=normalise(fed),
            settings=settings,
            seed=1,
            threads=1,
            tell=lambda _what, _done, _total: None,
        )
        return replace(bench, **changes)

    return lay


@pytest.fixture(scope="session")
def exported() -> dict[Any, bytes]:
    """Networks that were exported before: that takes longer than compressing them."""
    return {}


@pytest.fixture
def onnx_bench(workbench: MakeBench, tmp_path: Path, exported: dict[Any, bytes]) -> MakeBench:
    """Likewise, with the exported network as its source."""

    def lay(module: Callable[[], nn.Module] = tiny, **changes: Any) -> Bench:
        source = tmp_path / "float32.onnx"
        if module not in exported:
            exported[module] = compress("float32", workbench(module, output=source)).path.read_bytes()
        source.write_bytes(exported[module])
        return workbench(module, **{"source": source, **changes})

    return lay


@pytest.fixture(scope="session")
def noise() -> NDArray[np.float32]:
    """Images of the tiny network."""
    return np.random.default_rng(5).normal(size=(200, 3, 8, 8)).astype(np.float32)


class Fashion:
    """The example's reference and what recipes make of it, each made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.card = Card.model_validate(yaml.safe_load((FASHION / "reference.pt.yaml").read_text(encoding="utf-8")))
        data = np.load(FASHION / "test.npz")
        self.images = normalise(self.card)(data["images"][:IMAGES, :, :, None])
        self._calibration = TrainingSet(data["images"][IMAGES:4000, :, :, None], None)
        self.recipes: dict[str, Recipe] = {recipe.name: recipe for spec in specs().values() for recipe in spec.recipes}
        self.variant = cache(self._variant)

    def module(self) -> nn.Module:
        place = importlib.util.spec_from_file_location("fashion_architecture", FASHION / "architecture.py")
        assert place is not None
        assert place.loader is not None
        code = importlib.util.module_from_spec(place)
        place.loader.exec_module(code)
        model: nn.Module = code.fashion_resnet()
        model.load_state_dict(torch.load(FASHION / "reference.pt", weights_only=True))
        return model.eval()

    def _variant(self, name: str) -> Variant:
        made: list[Variant] = []
        for place, step in enumerate(self.recipes[name].steps):
            source = made[-1].path if made else FASHION / "reference.pt"
            if not made and specs()[step.compressor].takes is Takes.ONNX:
                source = self.variant("float32").path
            bench = Bench(
                source=source,
                output=self._folder / f"{name}-{place}.onnx",
                card=self.card,
                module=self.module,
                donor=None,
                initial=None,
                calibration=self._calibration,
                training=None,
                normalise=normalise(self.card),
                settings=step.settings,
                seed=1,
                threads=1,
                tell=lambda _what, _done, _total: None,
            )
            made.append(compress(step.compressor, bench))
        return made[-1]

    def agreement(self, name: str) -> float:
        """Share of images on which a variant names the class that the reference names."""
        ours, theirs = (self.variant(which).answer(self.images).argmax(axis=1) for which in ("float32", name))
        return float(np.mean(ours == theirs))


@pytest.fixture(scope="session")
def fashion(tmp_path_factory: pytest.TempPathFactory) -> Fashion:
    return Fashion(tmp_path_factory.mktemp("fashion"))
