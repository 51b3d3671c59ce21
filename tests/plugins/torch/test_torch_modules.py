from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from vetgate_torch.backend import TorchBackend

from vetgate.api import Artifact, Card, CardError, Inconclusive, ModuleBackend, OpenOptions

Identify = Callable[[Path], Artifact]
MakeCard = Callable[..., Card]
jit: Any = torch.jit

IMAGES = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(3))
ANY = ({0: torch.export.Dim.DYNAMIC},)


class Several(nn.Module):
    """Returns two heads by name."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(192, 4)
        self.second = nn.Linear(192, 4)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"first": self.first(images.flatten(1)), "second": self.second(images.flatten(1))}


class Whole(nn.Module):
    """Keeps its weights as whole numbers, as quantised programs do."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(4, 192, dtype=torch.int8))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        weight: Any = self.weight
        return nn.functional.linear(images.flatten(1), weight.float())


def saved(model: nn.Module, path: Path) -> Path:
    torch.save(model.state_dict(), path)
    return path


def exported(model: nn.Module, path: Path, **how: Any) -> Path:
    torch.export.save(torch.export.export(model, (torch.zeros(2, 3, 8, 8),), **how), path)
    return path


def step(module: nn.Module) -> None:
    """Take one step of gradient descent in training mode."""
    module.train()
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    nn.functional.cross_entropy(module(IMAGES), torch.tensor([0, 1, 2, 3, 0, 1])).backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    module.eval()


@pytest.fixture
def path(request: pytest.FixtureRequest, small: nn.Module, tmp_path: Path) -> Path:
    if request.param == "weights":
        return saved(small, tmp_path / "model.pt")
    return exported(small, tmp_path / "model.pt2", dynamic_shapes=ANY)


both = pytest.mark.parametrize("path", ["weights", "exported"], indirect=True)


@both
def test_a_module_computes_what_the_opened_model_predicts(
    path: Path, artifact: Identify, make_card: MakeCard, code: str
) -> None:
    file, options = artifact(path), OpenOptions(architecture=f"{code}:small" if path.suffix == ".pt" else None)

    module = TorchBackend().load_module(file, make_card(), options)

    with TorchBackend().open(file, make_card(), options) as model, torch.no_grad():
        np.testing.assert_allclose(module(IMAGES).numpy(), model.predict(IMAGES.numpy()), rtol=1e-6)
    assert not any(part.training for part in module.modules())


@both
def test_a_module_learns_and_the_next_one_is_fresh(
    path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str
) -> None:
    file, options = artifact(path), OpenOptions(architecture=f"{code}:small" if path.suffix == ".pt" else None)
    expected = deepcopy(small)
    step(expected)

    module = TorchBackend().load_module(file, make_card(), options)
    step(module)

    learned = dict(module.state_dict())
    for name, value in expected.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        torch.testing.assert_close(learned[name], value, msg=name)
    with torch.no_grad():
        torch.testing.assert_close(module(IMAGES), expected(IMAGES))
    fresh = TorchBackend().load_module(file, make_card(), options)
    for name, value in small.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], value)


def test_dropout_of_an_exported_program_is_switched(tmp_path: Path, artifact: Identify, make_card: MakeCard) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(192, 4)).eval()
    file = artifact(exported(model, tmp_path / "model.pt2", dynamic_shapes=ANY))

    module = deepcopy(TorchBackend().load_module(file, make_card(), OpenOptions()))

    with torch.no_grad():
        assert torch.equal(module(IMAGES), model(IMAGES))
        assert not torch.equal(module.train()(IMAGES), module(IMAGES))
        assert torch.equal(module.eval()(IMAGES), model(IMAGES))


def test_half_precision_weights_become_float32(
    small: nn.Module, tmp_path: Path, artifact: Identify, make_card: MakeCard, code: str
) -> None:
    file = artifact(saved(small.half(), tmp_path / "model.pt"))

    module = TorchBackend().load_module(file, make_card(), OpenOptions(architecture=f"{code}:small"))

    assert {value.dtype for value in module.parameters()} == {torch.float32}
    assert module(IMAGES).dtype is torch.float32


def test_images_come_in_the_layout_of_the_card(tmp_path: Path, artifact: Identify, make_card: MakeCard) -> None:
    (tmp_path / "last.py").write_text(
        "from torch import nn\n"
        "class Last(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.conv = nn.Conv2d(3, 4, 3)\n"
        "    def forward(self, images):\n        return self.conv(images.permute(0, 3, 1, 2)).mean((2, 3))\n"
    )
    torch.save({"conv.weight": torch.ones(4, 3, 3, 3), "conv.bias": torch.zeros(4)}, tmp_path / "model.pt")
    options = OpenOptions(architecture=f"{tmp_path / 'last.py'}:Last")

    module = TorchBackend().load_module(artifact(tmp_path / "model.pt"), make_card(layout="NHWC"), options)

    assert module(torch.zeros(2, 8, 8, 3)).shape == (2, 4)


@pytest.mark.parametrize("kind", ["weights", "exported"])
def test_one_of_several_outputs_is_the_one_that_the_card_names(
    kind: str, tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    model = Several().eval()
    (tmp_path / "several.py").write_text(f"import sys\nSeveral = sys.modules[{__name__!r}].Several\n")
    path = (
        saved(model, tmp_path / "model.pt")
        if kind == "weights"
        else exported(model, tmp_path / "model.pt2", dynamic_shapes=ANY)
    )
    options = OpenOptions(architecture=f"{tmp_path / 'several.py'}:Several" if kind == "weights" else None)

    module = TorchBackend().load_module(artifact(path), make_card(output_name="second"), options)

    with torch.no_grad():
        torch.testing.assert_close(module(IMAGES), model(IMAGES)["second"])
    with pytest.raises(CardError, match="its card names none"):
        TorchBackend().load_module(artifact(path), make_card(), options)


def test_torchscript_is_refused(small: nn.Module, tmp_path: Path, artifact: Identify, make_card: MakeCard) -> None:
    jit.script(small).save(tmp_path / "model.ts")

    with pytest.raises(Inconclusive, match="cannot be trained or taken apart") as told:
        TorchBackend().load_module(artifact(tmp_path / "model.ts"), make_card(), OpenOptions())

    assert "state_dict" in told.value.hint


def test_a_program_for_one_batch_size_is_refused(
    small: nn.Module, tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    file = artifact(exported(small, tmp_path / "model.pt2"))

    with pytest.raises(Inconclusive, match="exported for 2 images at a time"):
        TorchBackend().load_module(file, make_card(), OpenOptions())


def test_a_program_exported_in_training_mode_is_refused(
    small: nn.Module, tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    file = artifact(exported(small.train(), tmp_path / "model.pt2", dynamic_shapes=ANY))

    with pytest.raises(Inconclusive, match="exported in training mode") as told:
        TorchBackend().load_module(file, make_card(), OpenOptions())

    assert "model.eval()" in told.value.hint


def test_a_lowered_program_predicts_but_does_not_train(
    small: nn.Module, tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    program = torch.export.export(small, (torch.zeros(2, 3, 8, 8),), dynamic_shapes=ANY).run_decompositions()
    torch.export.save(program, tmp_path / "model.pt2")

    module = TorchBackend().load_module(artifact(tmp_path / "model.pt2"), make_card(), OpenOptions())

    with torch.no_grad():
        torch.testing.assert_close(module(IMAGES), small(IMAGES))
    with pytest.raises(Inconclusive, match="cannot be trained"):
        module.train()


def test_a_quantised_program_is_refused(tmp_path: Path, artifact: Identify, make_card: MakeCard) -> None:
    file = artifact(exported(Whole(), tmp_path / "model.pt2", dynamic_shapes=ANY))

    with pytest.raises(Inconclusive, match="is quantised"):
        TorchBackend().load_module(file, make_card(), OpenOptions())


def test_weights_without_an_architecture_are_refused(
    small: nn.Module, tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    with pytest.raises(CardError, match="nothing names their architecture"):
        TorchBackend().load_module(artifact(saved(small, tmp_path / "model.pt")), make_card(), OpenOptions())


def test_the_backend_keeps_the_protocol() -> None:
    assert isinstance(TorchBackend(), ModuleBackend)
