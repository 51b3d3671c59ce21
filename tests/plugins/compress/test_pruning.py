from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_pruning
from numpy.typing import NDArray
from torch import nn

from tests.plugins.compress.conftest import MakeBench, compress, tiny
from vetgate.api import Inconclusive, UsageError, WorkerFailed


def images_to(*layers: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))


def depthwise() -> nn.Module:
    return images_to(
        nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, groups=16), nn.Conv2d(16, 16, 1)
    )


def grouped() -> nn.Module:
    return images_to(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3, groups=4))


class Tied(nn.Module):
    """Two layers with the same weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.second.weight = self.first.weight
        self.classifier = nn.Linear(192, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.classifier(self.second(self.first(images).relu()).flatten(1))
        return scores


class Fixed(nn.Module):
    """Writes a width into its forward."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.classifier = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.second(self.first(images)).view(-1, 8, 16)
        scores: torch.Tensor = self.classifier(features.mean(2))
        return scores


def zeros(weights: dict[str, NDArray[np.float32]]) -> tuple[int, int]:
    return sum(int(np.sum(array == 0)) for array in weights.values()), sum(array.size for array in weights.values())


@pytest.mark.parametrize("name", ["prune-l1", "prune-random"])
@pytest.mark.parametrize("rate", [0.1, 0.9])
def test_the_share_that_was_asked_for_is_zero(workbench: MakeBench, name: str, rate: float) -> None:
    variant = compress(name, workbench(settings={"rate": rate}))

    zero, total = zeros(variant.weights)
    assert total == 432 + 2304 + 80
    assert zero == round(rate * total)
    assert f"{zero:,} of {total:,} weights ({zero / total:.1%}) are zero" in variant.made.notes[0]
    assert "not fine-tuned afterwards" in variant.made.notes


def test_l1_zeroes_the_least_over_all_layers_together(workbench: MakeBench) -> None:
    before = torch.cat([weight.flatten() for weight in tiny().parameters() if weight.dim() > 1]).abs()
    after = np.concatenate(
        [abs(array[array != 0]) for array in compress("prune-l1", workbench(settings={"rate": 0.5})).weights.values()]
    )
    assert after.min() >= before.median().item() * (1 - 1e-6)


def test_another_seed_zeroes_other_weights_at_random(workbench: MakeBench) -> None:
    first = compress("prune-random", workbench(settings={"rate": 0.5})).weights
    second = compress("prune-random", workbench(settings={"rate": 0.5}, seed=2)).weights
    assert any(not np.array_equal(first[name] == 0, second[name] == 0) for name in first)


def test_pruning_at_random_leaves_the_random_state_alone(workbench: MakeBench) -> None:
    model = tiny()
    bench = workbench(lambda: model, settings={"rate": 0.5})
    torch.manual_seed(7)
    before = torch.get_rng_state()
    compress("prune-random", bench)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_that_layers_share_are_pruned_once_for_both(workbench: MakeBench) -> None:
    variant = compress("prune-l1", workbench(Tied, settings={"rate": 0.5}))
    assert f"of {81 + 960:,} weights" in variant.made.notes[0]
    assert zeros(variant.weights)[0] == round(0.5 * (81 + 960))


def test_weights_that_are_computed_are_left_alone_and_named(workbench: MakeBench) -> None:
    def normalised() -> nn.Module:
        return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.Flatten(), nn.Linear(144, 5))

    notes = compress("prune-l1", workbench(normalised, settings={"rate": 0.5})).made.notes
    assert "left alone, because they compute their weights: 0" in notes


def test_structured_pruning_shrinks_tensors_and_says_by_how_much(
    workbench: MakeBench, noise: NDArray[np.float32]
) -> None:
    variant = compress("prune-structured", workbench(settings={"rate": 0.5}))

    shapes = sorted(array.shape for array in variant.weights.values())
    assert shapes == [(5, 8), (8, 3, 3, 3), (8, 8, 3, 3)]
    assert variant.answer(noise).shape == (200, 5)
    before = sum(weight.numel() for weight in tiny().parameters())
    after = 8 * 27 + 2 * 8 + 8 * 8 * 9 + 8 + 2 * 8 + 8 * 5 + 5
    assert variant.made.notes[0].startswith(f"parameters {before:,} -> {after:,} ({after / before:.1%}), MACs")


@pytest.mark.parametrize("module", [depthwise, grouped])
def test_grouped_convolutions_keep_fitting_together(
    workbench: MakeBench, module: type[nn.Module], noise: NDArray[np.float32]
) -> None:
    variant = compress("prune-structured", workbench(module, settings={"rate": 0.5}))
    assert np.isfinite(variant.answer(noise)).all()
    assert sum(array.size for array in variant.weights.values()) < sum(
        weight.numel() for weight in module().parameters() if weight.dim() > 1
    )


def test_a_convolution_may_be_the_classifier(workbench: MakeBench, noise: NDArray[np.float32]) -> None:
    def convolutional() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    variant = compress("prune-structured", workbench(convolutional, settings={"rate": 0.5}))
    assert variant.answer(noise).shape == (200, 5)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 5)), "no channel can be removed"),
        (Fixed, r"without the channels the module fails .*shape '\[-1, 8, 16\]' is invalid"),
        (lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), "no convolution, linear or attention layer"),
        (
            lambda: nn.Sequential(
                nn.Flatten(), nn.Linear(192, 8), nn.Unflatten(1, (2, 4)), nn.AvgPool1d(2), nn.Flatten()
            ),
            "no linear layer or convolution has 4 outputs",
        ),
    ],
)
def test_a_network_whose_channels_cannot_go_is_refused_in_a_sentence(
    workbench: MakeBench, module: type[nn.Module], sentence: str
) -> None:
    bench = workbench(module, settings={"rate": 0.5})
    with pytest.raises(Inconclusive, match=sentence) as caught:
        compress("prune-structured", bench)
    assert type(caught.value) is Inconclusive
    assert not bench.output.exists()


def test_a_library_that_fails_says_nothing_of_the_model(workbench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no such group")

    monkeypatch.setattr(torch_pruning.pruner.BasePruner, "step", fail)
    with pytest.raises(WorkerFailed, match="its channels cannot be removed: no such group"):
        compress("prune-structured", workbench(settings={"rate": 0.5}))


@pytest.mark.parametrize("name", ["prune-l1", "prune-random", "prune-structured"])
@pytest.mark.parametrize("rate", [0, 1, -0.1, 50, "half", True])
def test_a_rate_that_is_no_share_is_refused(workbench: MakeBench, name: str, rate: object) -> None:
    with pytest.raises(UsageError, match=r"rate is .* but must be a share above 0 and below 1"):
        compress(name, workbench(settings={"rate": rate}))


@pytest.mark.parametrize("name", ["prune-l1", "prune-random", "prune-structured"])
def test_no_rate_at_all_is_refused(workbench: MakeBench, name: str) -> None:
    with pytest.raises(UsageError, match="needs the setting 'rate': a share above 0 and below 1"):
        compress(name, workbench())


def test_a_damaged_network_is_named(workbench: MakeBench) -> None:
    def damaged() -> nn.Module:
        model = tiny()
        with torch.no_grad():
            next(model.parameters())[0] = float("inf")
        return model

    with pytest.raises(Inconclusive, match=r"0\.weight holds NaN or infinity"):
        compress("prune-l1", workbench(damaged, settings={"rate": 0.5}))
