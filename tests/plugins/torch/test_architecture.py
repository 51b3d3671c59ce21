from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from vetgate_torch import vision
from vetgate_torch.backend import TorchBackend
from vetgate_vision import torchvision

from vetgate.api import Artifact, Card, CardError, MissingExtra, OpenOptions, UsageError

Identify = Callable[[Path], Artifact]
MakeCard = Callable[..., Card]


def save(model: nn.Module, path: Path) -> nn.Module:
    torch.save(model.state_dict(), path)
    return model.eval()


def check_same(path: Path, model: nn.Module, artifact: Artifact, card: Card, options: OpenOptions) -> None:
    images = np.random.default_rng(3).standard_normal((2, card.input.channels, *card.input.size), dtype=np.float32)
    with TorchBackend().open(artifact, card, options) as opened:
        scores = opened.predict(images)
    with torch.inference_mode():
        np.testing.assert_allclose(scores, model(torch.from_numpy(images)).numpy(), atol=1e-6)


@pytest.mark.parametrize("classes", [10, 1000])
def test_torchvision_by_name_takes_the_number_of_classes_from_the_weights(
    tmp_path: Path, artifact: Identify, make_card: MakeCard, classes: int
) -> None:
    path = tmp_path / "model.pt"
    torch.manual_seed(0)
    model = save(torchvision().models.resnet18(num_classes=classes), path)
    card = make_card(side=32, architecture="torchvision/resnet18")
    check_same(path, model, artifact(path), card, OpenOptions(batch_size=2))


def test_timm_by_name_takes_classes_and_channels_from_the_weights(
    tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    torch.manual_seed(0)
    model = save(vision.timm().create_model("mobilenetv3_small_050", num_classes=7, in_chans=1), path)
    options = OpenOptions(batch_size=2, architecture="timm/mobilenetv3_small_050")
    check_same(path, model, artifact(path), make_card(side=32, colour="grey"), options)


def test_channels_of_the_card_that_timm_weights_do_not_have_are_a_contradiction(
    tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    save(vision.timm().create_model("mobilenetv3_small_050", in_chans=1), path)
    card = make_card(side=32, architecture="timm/mobilenetv3_small_050")
    with pytest.raises(CardError, match="3 channels"), TorchBackend().open(artifact(path), card, OpenOptions()):
        pass


def test_resnet18_has_the_published_figures(tmp_path: Path, artifact: Identify, make_card: MakeCard) -> None:
    path = tmp_path / "model.pt"
    save(torchvision().models.resnet18(), path)
    card = make_card(side=224, architecture="torchvision/resnet18")
    structure = TorchBackend().describe(artifact(path), card, OpenOptions())
    elements = [tensor.elements for tensor in structure.tensors if tensor.kind != "state"]
    assert sum(elements) == 11_689_512
    assert structure.macs == 1_814_073_344


def test_a_module_is_named_by_import(
    tmp_path: Path,
    small: nn.Module,
    artifact: Identify,
    make_card: MakeCard,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "model.pt"
    save(small, path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "architectures", raising=False)
    check_same(path, small, artifact(path), make_card(), OpenOptions(batch_size=2, architecture="architectures:small"))
    monkeypatch.delitem(sys.modules, "architectures", raising=False)


def test_weights_without_architecture_say_what_to_write(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    save(small, path)
    with (
        pytest.raises(CardError, match="weights alone") as caught,
        TorchBackend().open(artifact(path), make_card(), OpenOptions()),
    ):
        pass
    assert "--architecture" in caught.value.hint
    assert "architecture: timm/NAME" in caught.value.hint


def test_card_and_user_that_name_two_architectures_are_both_named(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    save(small, path)
    card, options = make_card(architecture="timm/resnet18"), OpenOptions(architecture="torchvision/resnet18")
    with (
        pytest.raises(CardError, match=r"timm/resnet18.*torchvision/resnet18"),
        TorchBackend().open(artifact(path), card, options),
    ):
        pass


def test_keys_that_do_not_match_are_named_up_to_three(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str
) -> None:
    path = tmp_path / "model.pt"
    state = {f"layer{key}": value for key, value in small.state_dict().items()}
    torch.save(state, path)
    with pytest.raises(CardError) as caught:
        TorchBackend().describe(artifact(path), make_card(), OpenOptions(architecture=f"{code}:small"))
    message = caught.value.message
    assert "lacks 0.weight, 0.bias, 1.weight and 6 more" in message
    assert "excess layer0.weight, layer0.bias, layer1.weight and 6 more" in message


def test_shapes_that_do_not_match_are_named(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str
) -> None:
    path = tmp_path / "model.pt"
    torch.save({**small.state_dict(), "5.weight": torch.zeros(9, 32)}, path)
    with pytest.raises(CardError, match=r"5\.weight \(9x32 in the file, 4x32 in the architecture\)"):
        TorchBackend().describe(artifact(path), make_card(), OpenOptions(architecture=f"{code}:small"))


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("torchvision/resnet19", "resnet19"),
        ("torchvision/fasterrcnn_resnet50_fpn", "no classifier"),
        ("timm/hf-hub:somebody/model", "names no architecture|cannot be imported|no classifier"),
        ("timm/resnet18x", "resnet18x"),
        ("{code}:absent", "no callable 'absent'"),
        ("{code}:not_a_model", "returned a int"),
        ("{code}:needs_help", "TypeError"),
        ("absent.py:model", "does not exist"),
        ("absent_module:model", "ModuleNotFoundError"),
        ("resnet18", "names no architecture"),
    ],
)
def test_an_architecture_that_is_not_there_is_a_usage_error(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str, name: str, match: str
) -> None:
    path = tmp_path / "model.pt"
    save(small, path)
    with pytest.raises(UsageError, match=match):
        TorchBackend().describe(artifact(path), make_card(), OpenOptions(architecture=name.replace("{code}", code)))


def test_a_library_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    vision.timm.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtra) as caught:
        vision.timm()
    assert caught.value.hint == "pip install 'vetgate[timm]'"
