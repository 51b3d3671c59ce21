from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from vetgate_delta.cost import count
from vetgate_delta.extract import extract
from vetgate_delta.groups import Group, Probed, count_parameters, find_groups


class Shared(nn.Module):
    """A residual sum, a depthwise layer and a concatenation."""

    def __init__(self, norm: bool) -> None:
        super().__init__()

        def after(channels: int) -> nn.Module:
            return nn.BatchNorm2d(channels) if norm else nn.Identity()

        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), after(8), nn.ReLU())
        self.wide = nn.Sequential(nn.Conv2d(8, 16, 1), after(16), nn.ReLU6())
        self.depth = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16), after(16), nn.ReLU6())
        self.narrow = nn.Sequential(nn.Conv2d(16, 8, 1), after(8))
        self.side = nn.Sequential(nn.Conv2d(8, 6, 3, padding=1), after(6), nn.ReLU())
        self.end = nn.Sequential(nn.Conv2d(14, 10, 3, padding=1, stride=2), after(10), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        features = torch.relu(features + self.narrow(self.depth(self.wide(features))))
        result: Tensor = self.end(torch.cat([features, self.side(features)], dim=1))
        return result


class Normed(nn.Module):
    """Channels that a group norm mixes, and some that nothing does."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.Conv2d(8, 8, 3, groups=2), nn.Conv2d(8, 6, 1), nn.Conv2d(6, 4, 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        result: Tensor = self.layers(images)
        return result


def settle(module: nn.Module) -> nn.Module:
    """Give norms statistics and scales as after a training."""
    torch.manual_seed(1)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
            layer.running_mean = torch.randn(layer.num_features)
            layer.running_var = torch.rand(layer.num_features) + 0.5
    return module.eval()


def probed(module: nn.Module) -> tuple[Probed, Tensor]:
    images = torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        channels = module(images).shape[1]
    return Probed(module, channels).eval(), images


def by_name(groups: tuple[Group, ...]) -> dict[str, Group]:
    return {group.name: group for group in groups}


def test_layers_tied_by_a_sum_or_a_depthwise_layer_are_one_group() -> None:
    network, images = probed(settle(Shared(norm=True)))
    groups = by_name(find_groups(network, images))
    assert set(groups) == {"stem.0", "wide.0", "side.0", "end.0"}
    makers = {side.layer for side in groups["stem.0"].sides if side.along == "out"}
    assert {"trunk.stem.0", "trunk.narrow.0"} <= makers
    assert {"trunk.wide.0", "trunk.depth.0"} <= {side.layer for side in groups["wide.0"].sides if side.along == "out"}
    assert {"trunk.wide.0", "trunk.side.0", "trunk.end.0"} == {
        side.layer for side in groups["stem.0"].sides if side.along == "in"
    }


def test_a_groups_norm_is_the_sum_of_its_members_filter_norms() -> None:
    model = settle(Shared(norm=True))
    network, images = probed(model)
    group = by_name(find_groups(network, images))["wide.0"]
    wide, depth = model.get_submodule("wide.0"), model.get_submodule("depth.0")
    expected = sum(layer.weight.detach().flatten(1).norm(dim=1) for layer in (wide, depth))  # type: ignore[operator]
    np.testing.assert_allclose(group.norms, np.asarray(expected), rtol=1e-5)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("make", [lambda channels: channels // 2, lambda channels: channels - 1, lambda channels: 1])
def test_removed_equals_masked_through_sums_depthwise_layers_concatenations_and_norms(
    norm: bool, make: Callable[[int], int]
) -> None:
    network, images = probed(settle(Shared(norm)))
    groups = find_groups(network, images)
    kept = {group.name: group.strongest(make(group.channels)) for group in groups}
    promised = count_parameters(network, groups, kept)
    gone = extract(network, images, groups, kept)  # raises where the two differ
    assert count(network.trunk, images).parameters == promised
    assert network.trunk(images).shape[1] == make(10)
    assert all(len(gone[group.name]) == group.channels - make(group.channels) for group in groups)


def test_channels_that_a_group_norm_or_a_grouped_layer_mixes_are_left_alone() -> None:
    network, images = probed(Normed().eval())
    assert set(by_name(find_groups(network, images))) == {"layers.3", "layers.4"}


def test_of_equal_filters_the_first_are_kept() -> None:
    assert Group("x", np.array([1.0, 2.0, 1.0, 1.0]), (), False).strongest(3).tolist() == [True, True, True, False]


def test_at_least_one_channel_stays() -> None:
    group = Group("x", np.ones(3), (), False)
    assert [group.kept(s) for s in (0.0, 0.5, 0.875, 1.0)] == [3, 2, 1, 1]
