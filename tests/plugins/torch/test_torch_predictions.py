from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn
from vetgate_torch.backend import TorchBackend

from vetgate.api import Artifact, Card, CardError, Inconclusive, OpenOptions, UnreadableArtifact

Identify = Callable[[Path], Artifact]
jit: Any = torch.jit
MakeCard = Callable[..., Card]


@pytest.fixture
def images() -> NDArray[np.float32]:
    return np.random.default_rng(2).standard_normal((5, 3, 8, 8), dtype=np.float32)


def eager(model: nn.Module, images: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        result: NDArray[np.float32] = model(torch.from_numpy(images)).numpy()
    return result


def dynamic(model: nn.Module) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=1, max=64)
    return torch.export.export(model, (torch.zeros(2, 3, 8, 8),), dynamic_shapes=({0: batch},))


SAVERS: dict[str, Callable[[nn.Module, Path], object]] = {
    "zip": lambda model, path: torch.save(model.state_dict(), path),
    "legacy": lambda model, path: torch.save(model.state_dict(), path, _use_new_zipfile_serialization=False),
    "wrapped": lambda model, path: torch.save({"state_dict": model.state_dict(), "epoch": 3}, path),
    "parallel": lambda model, path: torch.save(nn.DataParallel(model).state_dict(), path),
    "safetensors": lambda model, path: save_file(model.state_dict(), path),
    "scripted": lambda model, path: jit.script(model).save(path),
    "traced": lambda model, path: jit.trace(model, torch.zeros(1, 3, 8, 8)).save(path),
    "frozen": lambda model, path: jit.freeze(jit.script(model)).save(path),
    "exported": lambda model, path: torch.export.save(dynamic(model), path),
    "exported, any batch": lambda model, path: torch.export.save(
        torch.export.export(model, (torch.zeros(2, 3, 8, 8),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)),
        path,
    ),
    "exported, batch 2": lambda model, path: torch.export.save(
        torch.export.export(model, (torch.zeros(2, 3, 8, 8),)), path
    ),
    "exported, batch 8": lambda model, path: torch.export.save(
        torch.export.export(model, (torch.zeros(8, 3, 8, 8),)), path
    ),
}


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("how", SAVERS)
def test_every_format_predicts_what_the_eager_model_does(
    tmp_path: Path,
    small: nn.Module,
    images: NDArray[np.float32],
    artifact: Identify,
    make_card: MakeCard,
    code: str,
    how: str,
    count: int,
) -> None:
    path = tmp_path / "model.pt2"
    SAVERS[how](small, path)
    options = OpenOptions(batch_size=count, architecture=f"{code}:small")
    with TorchBackend().open(artifact(path), make_card(), options) as model:
        scores = model.predict(images[:count])
        assert model.execution.precision == "float32"
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, eager(small, images[:count]), atol=1e-6)


@pytest.mark.parametrize(("how", "provider"), [("zip", "eager"), ("traced", "torchscript"), ("exported", "exported")])
def test_what_ran_is_reported(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str, how: str, provider: str
) -> None:
    path = tmp_path / "model.pt2"
    SAVERS[how](small, path)
    before = torch.get_num_threads()
    options = OpenOptions(threads=2, architecture=f"{code}:small")
    with TorchBackend().open(artifact(path), make_card(), options) as model:
        execution = model.execution
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
    assert (execution.runtime, execution.provider, execution.threads) == ("torch", provider, 2)
    assert execution.version == torch.__version__


@pytest.mark.parametrize("how", ["zip", "safetensors", "traced", "exported"])
def test_half_precision_stays_half(
    tmp_path: Path,
    small: nn.Module,
    images: NDArray[np.float32],
    artifact: Identify,
    make_card: MakeCard,
    code: str,
    how: str,
) -> None:
    path = tmp_path / "model.pt2"
    half = small.half()
    image = torch.zeros(2, 3, 8, 8, dtype=torch.half)
    if how == "traced":
        jit.trace(half, image).save(path)
    elif how == "exported":
        torch.export.save(torch.export.export(half, (image,)), path)
    else:
        SAVERS[how](half, path)
    options = OpenOptions(batch_size=5, architecture=f"{code}:small")
    with TorchBackend().open(artifact(path), make_card(), options) as model:
        scores = model.predict(images)
        assert model.execution.precision == "float16"
    with torch.inference_mode():
        expected = half(torch.from_numpy(images).half()).float().numpy()
    np.testing.assert_allclose(scores, expected, atol=2e-3)
    tensors = TorchBackend().describe(artifact(path), make_card(), options).tensors
    assert {tensor.bits for tensor in tensors if tensor.kind == "parameter"} == {16.0}


def test_the_card_picks_one_of_several_outputs(
    tmp_path: Path, images: NDArray[np.float32], artifact: Identify, make_card: MakeCard, code: str
) -> None:
    path = tmp_path / "linear.pt"
    layer = nn.Linear(192, 4)
    torch.save({"linear.weight": layer.weight.detach(), "linear.bias": layer.bias.detach()}, path)
    expected = eager(nn.Sequential(nn.Flatten(), layer), images)
    for architecture, name, factor in (("mapping", "other", 2), ("mapping", "main", 1), ("pair", "1", 2)):
        options = OpenOptions(batch_size=5, architecture=f"{code}:{architecture}")
        with TorchBackend().open(artifact(path), make_card(output_name=name), options) as model:
            np.testing.assert_allclose(model.predict(images), factor * expected, atol=1e-5)


@pytest.mark.parametrize("name", [None, "absent"])
def test_outputs_that_the_card_does_not_settle_are_listed(
    tmp_path: Path, images: NDArray[np.float32], artifact: Identify, make_card: MakeCard, code: str, name: str | None
) -> None:
    path = tmp_path / "linear.pt"
    torch.save({f"linear.{key}": value for key, value in nn.Linear(192, 4).state_dict().items()}, path)
    options = OpenOptions(batch_size=5, architecture=f"{code}:mapping")
    with (
        TorchBackend().open(artifact(path), make_card(output_name=name), options) as model,
        pytest.raises(CardError, match=r"main \(5, 4\), other \(5, 4\)"),
    ):
        model.predict(images)


def test_an_output_that_is_no_row_an_image_is_refused(
    tmp_path: Path, images: NDArray[np.float32], artifact: Identify, make_card: MakeCard, code: str
) -> None:
    path = tmp_path / "linear.pt"
    torch.save({f"linear.{key}": value for key, value in nn.Linear(192, 4).state_dict().items()}, path)
    options = OpenOptions(batch_size=5, architecture=f"{code}:pixels")
    with (
        TorchBackend().open(artifact(path), make_card(), options) as model,
        pytest.raises(UnreadableArtifact, match=r"\(5, 4, 1, 1\)"),
    ):
        model.predict(images)


@pytest.mark.parametrize("how", ["zip", "traced", "frozen", "exported"])
def test_a_card_of_other_channels_contradicts_the_model(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str, how: str
) -> None:
    path = tmp_path / "model.pt2"
    SAVERS[how](small, path)
    options = OpenOptions(architecture=f"{code}:small")
    with (
        pytest.raises(CardError, match="card"),
        TorchBackend().open(artifact(path), make_card(colour="grey"), options),
    ):
        pass


class SpaceToDepth(nn.Module):
    """Takes three channels, though its first convolution takes twelve."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(12, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.body(images)
        return result


def test_a_stem_that_rearranges_pixels_is_no_contradiction(
    tmp_path: Path, images: NDArray[np.float32], artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    model = SpaceToDepth().eval()
    jit.script(model).save(path)
    with TorchBackend().open(artifact(path), make_card(), OpenOptions(batch_size=5)) as opened:
        np.testing.assert_allclose(opened.predict(images), eager(model, images), atol=1e-6)


class ChannelsLast(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.body(images.permute(0, 3, 1, 2))
        return result


def test_a_channels_last_model_is_fed_as_its_card_says(
    tmp_path: Path, small: nn.Module, images: NDArray[np.float32], artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    jit.script(ChannelsLast(small)).save(path)
    with TorchBackend().open(artifact(path), make_card(layout="NHWC"), OpenOptions(batch_size=5)) as model:
        scores = model.predict(np.ascontiguousarray(images.transpose(0, 2, 3, 1)))
    np.testing.assert_allclose(scores, eager(small, images), atol=1e-6)


class TwoInputs(nn.Module):
    def forward(self, images: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return (images + other).flatten(1)


@pytest.mark.parametrize("how", ["scripted", "exported"])
def test_a_model_of_two_inputs_is_refused_by_their_names(
    tmp_path: Path, artifact: Identify, make_card: MakeCard, how: str
) -> None:
    path = tmp_path / "model.pt2"
    if how == "scripted":
        jit.script(TwoInputs()).save(path)
    else:
        image = torch.zeros(1, 3, 8, 8)
        torch.export.save(torch.export.export(TwoInputs(), (image, image)), path)
    with (
        pytest.raises(UnreadableArtifact, match=r"2 inputs \(images, other\)"),
        TorchBackend().open(artifact(path), make_card(), OpenOptions()),
    ):
        pass


def test_images_of_a_size_that_the_model_cannot_take_are_inconclusive(
    tmp_path: Path, artifact: Identify, make_card: MakeCard, code: str
) -> None:
    path = tmp_path / "linear.pt"
    torch.save({f"linear.{key}": value for key, value in nn.Linear(192, 4).state_dict().items()}, path)
    options = OpenOptions(architecture=f"{code}:mapping")
    with (
        TorchBackend().open(artifact(path), make_card(side=9), options) as model,
        pytest.raises(Inconclusive, match=r"\(1, 3, 9, 9\)"),
    ):
        model.predict(np.zeros((1, 3, 9, 9), np.float32))


class Whole(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.float().mean((2, 3))


def test_a_whole_number_input_takes_raw_pixels_only(tmp_path: Path, artifact: Identify, make_card: MakeCard) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(Whole(), (torch.zeros(1, 3, 8, 8, dtype=torch.uint8),)), path)
    pixels = np.full((1, 3, 8, 8), 200, np.float32)
    with TorchBackend().open(artifact(path), make_card(), OpenOptions()) as model:
        assert model.predict(pixels).tolist() == [[200.0, 200.0, 200.0]]
    content = make_card().model_dump()
    content["input"]["scale"] = 1 / 255
    with (
        pytest.raises(CardError, match="no uint8 numbers"),
        TorchBackend().open(artifact(path), Card.model_validate(content), OpenOptions()),
    ):
        pass


def test_a_half_precision_input_takes_no_values_beyond_its_range(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str
) -> None:
    path = tmp_path / "model.pt"
    torch.save({name: value.half() for name, value in small.state_dict().items()}, path)
    content = make_card().model_dump()
    content["input"]["scale"] = 1000
    with (
        pytest.raises(CardError, match="no float16 numbers"),
        TorchBackend().open(artifact(path), Card.model_validate(content), OpenOptions(architecture=f"{code}:small")),
    ):
        pass
