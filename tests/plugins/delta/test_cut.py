from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from vetgate_delta.cost import count
from vetgate_delta.cut import blocks, cut
from vetgate_delta.plan import make_plan
from vetgate_delta.program import read
from vetgate_torch.live import LiveProgram

from vetgate.api import Inconclusive


class Block(nn.Module):
    def __init__(self, taken: int, given: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(taken, given, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(given)
        self.conv2 = nn.Conv2d(given, given, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(given)
        self.shortcut: nn.Module = nn.Identity() if taken == given else nn.Conv2d(taken, given, 1, stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        hidden = torch.relu_(self.norm1(self.conv1(features)))
        return torch.relu(self.norm2(self.conv2(hidden)) + self.shortcut(features))


class ResNet(nn.Module):
    """Two blocks at full size, two at half."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 8, 1), Block(8, 16, 2), Block(16, 16, 1))
        self.classifier = nn.Linear(16, 5)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.blocks(self.stem(images)).mean(dim=(2, 3)))
        return scores


class Vgg(nn.Module):
    """As VGG16 for images of 32 x 32, with an eighth of its channels: pooled to 1 x 1, several linear layers."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        taken = 3
        for given in (8, 8, 0, 16, 16, 0, 32, 32, 32, 0, 64, 64, 64, 0, 64, 64, 64, 0):
            if given:
                layers += [nn.Conv2d(taken, given, 3, padding=1), nn.BatchNorm2d(given), nn.ReLU(inplace=True)]
                taken = given
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(64, 32), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 5)
        )

    def forward(self, images: Tensor) -> Tensor:
        features = self.features(images)
        scores: Tensor = self.classifier(features.view(images.size(0), -1))
        return scores


class Inverted(nn.Module):
    """MobileNetV2's block: wide, depthwise, narrow."""

    def __init__(self, taken: int, given: int, stride: int) -> None:
        super().__init__()
        wide = 4 * taken
        self.layers = nn.Sequential(
            *(nn.Conv2d(taken, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(inplace=True)),
            *(
                nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
                nn.BatchNorm2d(wide),
                nn.ReLU6(inplace=True),
            ),
            *(nn.Conv2d(wide, given, 1, bias=False), nn.BatchNorm2d(given)),
        )
        self.sums = taken == given and stride == 1

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = self.layers(features)
        return features + result if self.sums else result


class Mobile(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6()),
            *(Inverted(8, 8, 1), Inverted(8, 12, 2), Inverted(12, 12, 1), Inverted(12, 16, 2), Inverted(16, 16, 1)),
            nn.Sequential(nn.Conv2d(16, 40, 1), nn.BatchNorm2d(40), nn.ReLU6()),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(40, 5))

    def forward(self, images: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(images), (1, 1))
        scores: Tensor = self.classifier(torch.flatten(pooled, 1))
        return scores


class Fully(nn.Module):
    """Pools the scores of a convolution; no layer after that."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 5, 1), nn.AdaptiveAvgPool2d(1))

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.layers(images).flatten(1)
        return scores


class Pointwise(nn.Module):
    """Its classifier is a convolution of one position after the pool."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AvgPool2d(30), nn.Conv2d(8, 12, 1), nn.ReLU(), nn.Conv2d(12, 5, 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.layers(images).flatten(1)
        return scores


def settle(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    model = make()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.3)
            layer.running_mean = 0.1 * torch.randn(layer.num_features)
    return model.eval()


def export(module: nn.Module, images: Tensor, lower: bool = False) -> nn.Module:
    program = torch.export.export(module, (images,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    graph = (program.run_decompositions() if lower else program).module()
    assert isinstance(graph, torch.fx.GraphModule)
    return LiveProgram(graph, graph.graph).eval()


IMAGES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2))
SHAPES = {
    ResNet: ((16, 16, 16), 16),
    Vgg: ((64, 2, 2), 64),
    Mobile: ((40, 4, 4), 40),
    Fully: ((5, 30, 30), 5),
    Pointwise: ((8, 30, 30), 8),
}


@pytest.mark.parametrize("make", SHAPES)
@pytest.mark.parametrize("way", ["module", "exported", "lowered"])
def test_body_and_head_are_the_model_however_it_came(make: Callable[[], nn.Module], way: str) -> None:
    model = settle(make)
    with torch.no_grad():
        expected = model(IMAGES)
        given = model if way == "module" else export(model, IMAGES, lower=way == "lowered")
        pieces = cut(given, IMAGES)
        maps, width = SHAPES[make]  # type: ignore[index]
        assert pieces.maps(IMAGES).shape == (4, *maps)
        assert pieces.body(IMAGES).shape == (4, width)
        torch.testing.assert_close(pieces.head(pieces.body(IMAGES)), expected, rtol=0, atol=1e-5)
        more = torch.cat([IMAGES, IMAGES + 1])
        torch.testing.assert_close(pieces.head(pieces.body(more)), model(more), rtol=0, atol=1e-5)


def test_pooled_maps_are_what_the_classifier_takes() -> None:
    pieces = cut(settle(ResNet), IMAGES)
    with torch.no_grad():
        torch.testing.assert_close(pieces.maps(IMAGES).mean(dim=(2, 3)), pieces.body(IMAGES))


def test_a_block_is_what_a_sum_closes_or_what_the_code_calls_one() -> None:
    model = settle(ResNet)
    ends = blocks(read(model, IMAGES), model)
    assert [(end.channels, end.size) for end in ends] == [(8, (32, 32))] * 3 + [(16, (16, 16))] * 2
    mobile = settle(Mobile)
    sizes = [(end.channels, end.size[0]) for end in blocks(read(mobile, IMAGES), mobile)]
    assert sizes == [(8, 16), (8, 16), (12, 8), (12, 8), (16, 4), (16, 4), (40, 4)]


@pytest.mark.parametrize(
    ("make", "shallow", "size"),
    [(ResNet, True, 32), (ResNet, False, 16), (Vgg, True, 4), (Vgg, False, 4), (Mobile, True, 8), (Mobile, False, 4)],
)
def test_the_last_stage_or_one_block_is_dropped_and_the_map_has_four_positions_a_side(
    make: Callable[[], nn.Module], shallow: bool, size: int
) -> None:
    model = settle(make)
    plan = make_plan(model, IMAGES, count(model, IMAGES).parameters, shallow=shallow)
    assert plan.end.size == (size, size)
    assert plan.dropped
    with torch.no_grad():
        maps = plan.network.trunk(IMAGES)
        assert maps.shape[1:] == (plan.end.channels, size, size)
        torch.testing.assert_close(plan.rest(maps), model(IMAGES))


def test_more_blocks_are_dropped_for_a_budget_that_fewer_cannot_meet() -> None:
    deep = make_plan(settle(ResNet), IMAGES, 10_000, shallow=False)
    flat = make_plan(settle(ResNet), IMAGES, 60, shallow=False)
    assert len(flat.dropped) > len(deep.dropped)
    assert flat.least() <= 60


def test_a_budget_too_small_says_what_was_reached() -> None:
    plan = make_plan(settle(ResNet), IMAGES, 5, shallow=True)
    assert (
        f"a budget of 5 parameters cannot be met: the smallest subgraph, which is taken, has {plan.least()}"
        in (plan.notes[-1])
    )


def test_a_network_of_one_block_says_that_none_was_dropped() -> None:
    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.classifier = nn.Linear(8, 5)

        def forward(self, images: Tensor) -> Tensor:
            scores: Tensor = self.classifier(self.layers(images))
            return scores

    plan = make_plan(settle(Tiny), IMAGES, 1_000, shallow=True)
    assert not plan.dropped
    assert any("no block could be dropped" in note for note in plan.notes)


def test_a_network_without_maps_is_inconclusive() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 16), nn.ReLU(), nn.Linear(16, 5)).eval()
    with pytest.raises(Inconclusive, match="no feature map"):
        cut(model, IMAGES)


def test_layers_between_map_and_classifier_are_inconclusive() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 8, 8)
            self.mix = nn.Linear(8, 8)
            self.classifier = nn.Linear(8, 5)

        def forward(self, images: Tensor) -> Tensor:
            tokens = self.patches(images).flatten(2).transpose(1, 2)
            scores: Tensor = self.classifier(torch.relu(self.mix(tokens)).mean(dim=1))
            return scores

    with pytest.raises(Inconclusive, match=r"1 layers? stands? between"):
        cut(settle(Tokens), IMAGES)


def test_control_flow_on_values_is_inconclusive() -> None:
    class Fickle(ResNet):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images if float(images.mean()) > 0 else -images)

    with pytest.raises(Inconclusive, match="cannot be taken apart"):
        cut(settle(Fickle), IMAGES)


def test_costs_are_those_of_one_image_and_known_by_hand() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 5, bias=False))
    cost = count(model, torch.zeros(3, 3, 4, 4))
    assert cost.parameters == 3 * 8 * 9 + 8 + 8 * 16 * 5
    assert cost.macs == 3 * 8 * 9 * 16 + 8 * 16 * 5
    assert model.training
