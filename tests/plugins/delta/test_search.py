from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from vetgate_delta.groups import Group, Probed, Side, count_parameters
from vetgate_delta.mixture import Mixture, masked, masks_of
from vetgate_delta.plan import Plan, make_plan
from vetgate_delta.search import Teaching, as_log, descend, meet, search
from vetgate_delta.state import Progress


class Residual(nn.Module):
    """Two blocks and a classifier, with batch norms and a depthwise layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.wide = nn.Sequential(nn.Conv2d(8, 16, 1), nn.BatchNorm2d(16), nn.ReLU6())
        self.depth = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.BatchNorm2d(16), nn.ReLU6())
        self.narrow = nn.Sequential(nn.Conv2d(16, 8, 1), nn.BatchNorm2d(8))
        self.last = nn.Sequential(nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12), nn.ReLU())
        self.classifier = nn.Linear(12, 4)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        features = features + self.narrow(self.depth(self.wide(features)))
        scores: Tensor = self.classifier(self.last(features).mean(dim=(2, 3)))
        return scores


def draw(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return images with a bright square in one of four corners, and which one."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, 12, 12, generator=generator)
    labels = torch.randint(4, (count,), generator=generator)
    for image, label in zip(images, labels.tolist(), strict=True):
        top, left = 6 * (label // 2), 6 * (label % 2)
        image[:, top + 1 : top + 5, left + 1 : left + 5] += 1.5 + torch.tensor([0.0, 1.0, -2.0])[:, None, None] * (
            label % 3
        )
    return images, labels


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    torch.manual_seed(0)
    model = Residual()
    images, labels = draw(512, 1)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for step in range(60):
        rows = slice(64 * (step % 8), 64 * (step % 8) + 64)
        loss = functional.cross_entropy(model(images[rows]), labels[rows])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return model.eval()


@pytest.fixture
def plan(trained: nn.Module) -> Plan:
    return make_plan(deepcopy(trained), draw(4, 2)[0], 500, shallow=False)


@pytest.fixture
def teaching() -> Teaching:
    images, labels = draw(512, 1)
    return Teaching(
        512, lambda rows: (images[torch.from_numpy(rows)], labels[torch.from_numpy(rows)]), lambda *_: None, 0
    )


def single(layer: nn.Module, norms: list[float], linear: bool = False) -> tuple[nn.ModuleDict, Group]:
    """Return a network of one layer, and the group of the channels that it takes."""
    places = np.arange(len(norms))
    return nn.ModuleDict({"layer": layer}), Group(
        "layer", np.array(norms), (Side("layer", "in", places, places),), linear
    )


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "bias": lambda: nn.Conv2d(8, 6, 3, padding=1),
    "no bias": lambda: nn.Conv2d(8, 6, 1, bias=False),
    "groups": lambda: nn.Conv2d(8, 12, 3, groups=4, padding=1),
    "stride": lambda: nn.Conv2d(8, 6, 3, stride=2, dilation=2, padding=2),
    "linear": lambda: nn.Linear(8, 5),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_mixture_equals_its_k_branches_in_output_and_gradients(name: str) -> None:
    torch.manual_seed(3)
    layer = LAYERS[name]()
    linear = isinstance(layer, nn.Linear)
    network, group = single(layer, [3.0, 1.0, 4.0, 1.5, 5.0, 9.0, 2.0, 6.0], linear)
    mixture = Mixture((group,))
    mixture.theta[0].data.normal_()
    images = torch.randn(3, 8, requires_grad=True) if linear else torch.randn(3, 8, 7, 7, requires_grad=True)
    with masked(network, (group,), mixture.gains):
        ours = layer(images)
    (theirs, weights) = branches(layer, group, mixture.coefficients()[0], images)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    pull = torch.randn_like(ours)
    of = (mixture.theta[0], images)
    for mine, other in zip(
        torch.autograd.grad((ours * pull).sum(), of, retain_graph=True),
        torch.autograd.grad((theirs * pull).sum(), of),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-5)
    assert len(weights) == len(group.sparsities)


def branches(layer: nn.Module, group: Group, g: Tensor, images: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return sum_j g_j layer(x; W M(s_j)), K layers with a masked weight each, and the weights."""
    copies = []
    for mask in torch.from_numpy(group.masks()):
        copy = deepcopy(layer)
        weight: Tensor = copy.weight.data  # type: ignore[assignment]
        if isinstance(copy, nn.Conv2d):
            taken = copy.in_channels // copy.groups
            for place in range(copy.out_channels):
                first = place // (copy.out_channels // copy.groups) * taken
                weight[place] *= mask[first : first + taken, None, None]
        else:
            weight *= mask
        copies.append(copy)
    outputs = torch.stack([copy(images) for copy in copies])
    return torch.tensordot(g, outputs, dims=1), [copy.weight for copy in copies]  # type: ignore[misc]


def test_the_mixture_starts_on_the_lowest_sparsities_and_keeps_the_strongest_channels() -> None:
    _, group = single(nn.Conv2d(8, 6, 1), [3.0, 1.0, 4.0, 1.5, 5.0, 9.0, 2.0, 6.0])
    mixture = Mixture((group,))
    assert mixture.sparsities()["layer"] < 0.1
    assert group.masks().sum(axis=1).tolist() == [8, 7, 6, 5, 4, 3, 2, 1]
    assert group.masks()[-1].tolist() == [0, 0, 0, 0, 0, 1, 0, 0]
    assert group.sparsities == (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
    assert single(nn.Linear(8, 2), [1.0] * 8, linear=True)[1].sparsities == pytest.approx((0.0, 0.2, 0.4, 0.6, 0.8))


def test_without_a_cost_sparsity_does_not_rise(plan: Plan, teaching: Teaching) -> None:
    before = Mixture(plan.groups).sparsities()
    after = descend(plan.network, plan.rest, plan.groups, 0.0, 25, teaching)
    assert all(after[name] <= before[name] for name in before)


def test_sparsity_grows_with_the_weight_of_cost(plan: Plan, teaching: Teaching) -> None:
    means = [
        np.mean(list(descend(plan.network, plan.rest, plan.groups, l1, 25, teaching).values()))
        for l1 in (0.0, 3.0, 100.0)
    ]
    assert means == sorted(means)
    assert means[-1] > means[0] + 0.1


def test_the_search_leaves_the_network_as_it_was(plan: Plan, teaching: Teaching) -> None:
    before = {name: value.clone() for name, value in plan.network.state_dict().items()}
    rest = {name: value.clone() for name, value in plan.rest.state_dict().items()}
    descend(plan.network, plan.rest, plan.groups, 1.0, 3, teaching)
    assert all(torch.equal(value, before[name]) for name, value in plan.network.state_dict().items())
    assert all(torch.equal(value, rest[name]) for name, value in plan.rest.state_dict().items())
    assert not plan.network.training
    assert not any(layer.training for layer in plan.rest.modules())


def test_a_search_meets_the_budget_and_a_second_one_takes_up_what_the_first_kept(
    plan: Plan, teaching: Teaching, tmp_path: Path
) -> None:
    none = dict.fromkeys((group.name for group in plan.groups), 0.0)
    budget = plan.parameters(none) // 2
    path = tmp_path / "search.state"
    found = search(plan.network, plan.rest, plan.groups, budget, teaching, Progress(path, "it"), short=4, steps=8)
    asked: list[int] = []

    def counting(rows: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        asked.append(len(rows))
        return teaching.batch(rows)

    watched = replace(teaching, batch=counting)
    again = search(plan.network, plan.rest, plan.groups, budget, watched, Progress(path, "it"), short=4, steps=8)
    assert again == found
    assert sum(asked) < 8, "only the costs were asked for again"
    met = meet(plan.network, plan.groups, found.sparsities, budget)
    assert plan.parameters(met) <= budget
    assert 1 <= found.searches <= 6


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_search_ends_where_its_budget_is_met_and_not_where_nothing_is_left(
    plan: Plan, teaching: Teaching, share: float
) -> None:
    whole = plan.parameters(dict.fromkeys((group.name for group in plan.groups), 0.0))
    budget = int(plan.least() + share * (whole - plan.least()))
    progress = Progress(None, "it")
    found = search(plan.network, plan.rest, plan.groups, budget, teaching, progress, short=20, steps=120)
    assert 0.7 * budget < plan.parameters(found.sparsities) <= budget


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75, 0.99])
def test_the_offset_is_the_least_that_meets_the_budget(plan: Plan, share: float) -> None:
    none = dict.fromkeys((group.name for group in plan.groups), 0.0)
    budget = int(share * plan.parameters(none))
    met = meet(plan.network, plan.groups, {name: 0.1 * place for place, name in enumerate(none)}, budget)
    assert plan.parameters(met) <= budget
    less = {name: max(value - 0.13, 0.0) for name, value in met.items()}
    assert plan.parameters(less) > budget


def test_an_offset_below_zero_gives_room_back(plan: Plan) -> None:
    sparse = dict.fromkeys((group.name for group in plan.groups), 0.5)
    whole = plan.parameters(dict.fromkeys(sparse, 0.0))
    assert plan.parameters(meet(plan.network, plan.groups, sparse, whole)) == whole


def test_probabilities_are_told_from_logits() -> None:
    logits = torch.randn(5, 4)
    assert torch.equal(as_log(logits), logits)
    torch.testing.assert_close(as_log(logits.softmax(dim=1)), logits.log_softmax(dim=1))


def test_a_gain_before_a_batch_norm_would_leave_something_behind() -> None:
    """Why the masks act on what layers take: a masked filter leaves beta - gamma mu / sigma, a removed one nothing."""
    torch.manual_seed(0)
    make: Callable[[], nn.Sequential] = lambda: nn.Sequential(  # noqa: E731
        nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.ReLU()
    )
    trunk = make().eval()
    norm = trunk[1]
    assert isinstance(norm, nn.BatchNorm2d)
    norm.bias.data.fill_(1.0)
    network = Probed(trunk, 4).eval()
    images = torch.randn(2, 3, 8, 8)
    group = Group(
        "trunk.0",
        np.arange(4.0),
        (Side("trunk.0", "out", *[np.arange(4)] * 2), Side("trunk.3", "in", *[np.arange(4)] * 2)),
        False,
    )
    gains: Mapping[str, Tensor] = {"trunk.0": torch.tensor([1.0, 0.0, 1.0, 1.0])}
    removed = deepcopy(network)
    with torch.no_grad():
        with masked(network, (group,), lambda: gains):
            ours = network(images)
        removed.trunk.get_submodule("3").weight[:, 1] = 0.0  # type: ignore[operator]
        torch.testing.assert_close(ours, removed(images))
        network.trunk.get_submodule("0").weight[1] = 0.0  # type: ignore[operator]
        assert not torch.allclose(network(images), ours, atol=1e-3)
    assert count_parameters(network, (group,), masks_of((group,), {"trunk.0": 0.25})) < count_parameters(
        network, (group,), {}
    )
