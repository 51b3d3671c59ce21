"""The inner tensors that PyTorch models show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from vetgate_torch.backend import TorchBackend
from vetgate_torch.plugin import vetgate_backends

from vetgate.api import Artifact, BackendSpec, Card, Inconclusive, OpenOptions, Tap, TappedModel
from vetgate.testing import BackendContract, Example

Identify = Callable[[Path], Artifact]
MakeCard = Callable[..., Card]
jit: Any = torch.jit
IMAGES = np.random.default_rng(2).standard_normal((5, 3, 8, 8), dtype=np.float32)


class Residual(nn.Module):
    """Branches, functional and in-place operators, and a mean in place of pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.activate = nn.ReLU(inplace=True)
        self.branch, self.classifier = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.activate(self.norm(self.stem(images)))
        features = torch.relu(self.branch(features) + features)
        scores: torch.Tensor = self.classifier(features.mean(dim=(2, 3)))
        return scores


class Attention(nn.Module):
    """A transformer block over four tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.block = nn.Conv2d(3, 8, 4, 4), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.classifier = nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.block(self.patches(images).flatten(2).transpose(1, 2))
        scores: torch.Tensor = self.classifier(tokens[:, 0])
        return scores


@pytest.fixture
def opened(tmp_path: Path, artifact: Identify, make_card: MakeCard) -> Callable[..., Any]:
    """Return a function that opens a module by its own class, or a saved file."""

    def opening(model: nn.Module, name: str) -> Any:
        path = tmp_path / "weights.pt"
        torch.save(model.state_dict(), path)
        code = tmp_path / "code.py"
        code.write_text("import importlib.util, sys\n" + _import(name), encoding="utf-8")
        return TorchBackend().open(artifact(path), make_card(), OpenOptions(architecture=f"{code}:make", batch_size=8))

    return opening


def _import(name: str) -> str:
    return (
        f"spec = importlib.util.spec_from_file_location('taps_of_torch', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)\n"
        f"make = module.{name}\n"
    )


def _residual() -> nn.Module:
    torch.manual_seed(0)
    model = Residual()
    with torch.no_grad():
        model(torch.from_numpy(IMAGES))
    return model.eval()


def _described(taps: tuple[Tap, ...]) -> list[tuple[str, int, bool]]:
    return [(tap.name, tap.layer, tap.weighted) for tap in taps]


def test_every_operator_is_named_by_its_module_in_the_order_of_calls(opened: Any) -> None:
    with opened(_residual(), "Residual") as model:
        assert isinstance(model, TappedModel)
        assert _described(model.taps()) == [
            ("stem/conv", 1, True),
            ("norm/batch_norm", 1, False),
            ("activate/relu", 1, False),
            ("branch/conv", 2, True),
            ("add", 2, False),
            ("relu", 2, False),
            ("mean", 2, False),
            ("classifier/linear", 3, True),
        ]
        assert [tap.name for tap in model.taps() if tap.features] == ["mean"]
        assert [tap.name for tap in model.taps() if tap.spatial] == ["relu"]


def test_a_tensor_is_read_before_an_operator_in_place_overwrites_it(opened: Any) -> None:
    module = _residual()
    assert isinstance(module, Residual)
    with opened(module, "Residual") as model:
        found = model.capture(IMAGES, ["norm/batch_norm", "activate/relu"])
    with torch.no_grad():
        wanted = module.norm(module.stem(torch.from_numpy(IMAGES))).numpy()
    np.testing.assert_allclose(found["norm/batch_norm"], wanted, atol=1e-6)
    assert found["norm/batch_norm"].min() < 0
    np.testing.assert_allclose(found["activate/relu"], np.maximum(wanted, 0), atol=1e-6)


def test_attention_is_taken_apart_and_says_so(opened: Any) -> None:
    torch.manual_seed(0)
    with opened(Attention().eval(), "Attention") as model:
        taps = {tap.name: tap for tap in model.taps()}
        weighted = [tap for tap in taps.values() if tap.weighted]
        assert [tap.layer for tap in weighted] == list(range(1, len(weighted) + 1))
        assert taps["classifier/linear"].layer >= 6, "patches, in, out, two of the block, classifier"
        assert "attention" in " ".join(model.tap_notes())


@pytest.mark.parametrize("how", ["traced", "frozen", "exported", "exported, batch 2"])
def test_saved_programs_show_the_tensors_of_the_eager_module(
    tmp_path: Path, artifact: Identify, make_card: MakeCard, opened: Any, how: str
) -> None:
    module, path, image = _residual(), tmp_path / "model.pt", torch.zeros(2, 3, 8, 8)
    batch = ({0: torch.export.Dim("batch", min=1, max=64)},) if how == "exported" else None
    if how == "traced":
        jit.trace(module, image).save(path)
    elif how == "frozen":
        jit.freeze(jit.script(module)).save(path)
    else:
        torch.export.save(torch.export.export(module, (image,), dynamic_shapes=batch), path)
    with opened(module, "Residual") as model:
        wanted = model.capture(IMAGES, ["activate/relu", "relu", "mean"])
    with TorchBackend().open(artifact(path), make_card(), OpenOptions(batch_size=8)) as model:
        assert isinstance(model, TappedModel)
        names = {tap.operator.rpartition(".")[2]: tap.name for tap in model.taps()}
        flags = {tap.name: (tap.features, tap.spatial) for tap in model.taps()}
        found = model.capture(IMAGES, [tap.name for tap in model.taps()])
    np.testing.assert_allclose(found[names["mean"]], wanted["mean"], atol=1e-5)
    np.testing.assert_allclose(found[names["relu"]], wanted["relu"], atol=1e-5)
    assert flags[names["mean"]] == (True, False)
    assert flags[names["relu"]] == (False, True)


def test_a_dynamically_quantised_program_is_read_as_numbers(
    tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    quantisation: Any = torch.ao.quantization
    small = quantisation.quantize_dynamic(_residual(), {nn.Linear})
    path = tmp_path / "model.pt"
    jit.trace(small, torch.zeros(1, 3, 8, 8)).save(path)
    with TorchBackend().open(artifact(path), make_card(), OpenOptions(batch_size=8)) as model:
        assert isinstance(model, TappedModel)
        last = model.taps()[-1]
        assert last.weighted
        assert last.layer == 3
        np.testing.assert_allclose(model.capture(IMAGES, [last.name])[last.name], model.predict(IMAGES), atol=1e-5)


def test_a_name_that_is_not_there_is_refused(opened: Any) -> None:
    with opened(_residual(), "Residual") as model, pytest.raises(Inconclusive, match="no inner tensor 'stem/gelu'"):
        model.capture(IMAGES, ["mean", "stem/gelu"])


class TestTorch(BackendContract):
    @pytest.fixture(autouse=True)
    def _given(self, make_card: MakeCard, small: nn.Module, code: str) -> None:
        self.card, self.small, self.code = make_card(), small, code

    def spec(self) -> BackendSpec:
        return vetgate_backends()[0]

    def example(self, folder: Path) -> Example:
        path = folder / "weights.pt"
        torch.save(self.small.state_dict(), path)
        with torch.no_grad():
            expected = self.small(torch.from_numpy(IMAGES)).numpy()
        return Example(path, self.card, IMAGES, expected, architecture=f"{self.code}:small")
