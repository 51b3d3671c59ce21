"""Which share of each group's channels to remove: a differentiable mixture of masked layers, weighed against cost.

Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks" (XDELTA),
structured subgraph; with departures. The paper trains a copy of the weights for each branch: here they are shared and
frozen, and theta alone is learned (see `mixture`). Its constants name no units and are not used: l1 is the least that
reaches the budget. A search ends where it meets the budget: one that went on would push every group to its largest
sparsity, which is no choice. The short searches take larger steps, so that they go as far as the long one can.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vetgate.api import WorkerFailed
from vetgate_delta.cost import LayerCost, count_layers
from vetgate_delta.groups import Group, Probed, count_parameters
from vetgate_delta.mixture import Gains, Mixture, map_gain, masked, masks_of
from vetgate_delta.state import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS: Final = 240
SHORT_STEPS: Final = 40
SHORT_SEARCHES: Final = 6
BATCH: Final = 64
LEARNING_RATE: Final = 0.05
_L1_LOW, _L1_HIGH = 0.03, 300.0
"""Between these the cost outweighs nothing and everything: cross-entropy is of order 1, and so is the cost."""
_GROWTH: Final = 1.02
"""Of l1 at each step past the last one of a search that has not met its budget by then."""
_BISECTIONS: Final = 60


@dataclass(frozen=True)
class Teaching:
    """Where the search's images and labels come from."""

    count: int
    batch: Callable[[NDArray[np.intp]], tuple[Tensor, Tensor]]
    """Rows to images as the network takes them, and labels (N,) as columns of its scores."""
    tell: Callable[[str, int, int], None]
    seed: int


@dataclass(frozen=True)
class Found:
    """What the search settled on."""

    sparsities: dict[str, float]
    """By group, before the common offset."""
    l1: float
    searches: int


def search(
    network: Probed,
    rest: nn.Module,
    groups: tuple[Group, ...],
    parameters: int,
    teaching: Teaching,
    progress: Progress,
    *,
    short: int = SHORT_STEPS,
    steps: int = STEPS,
) -> Found:
    """Return sparsities that come near a budget at the least loss.

    L_p = CE + l1 sum_groups sum_j g_j (0.5 G_j + 0.5 H_j), G memory access and H multiply-accumulates over the whole
    network's. The least l1 that reaches the budget is bisected by short searches, each from the start; the last, longer
    one is the result, and raises l1 where its steps are over and the budget is not met. Every search ends at the step
    that meets the budget.

    Args:
        network: The part that will be kept, probed. Left as it was, weights and statistics.
        rest: The map to scores: what follows in the network, frozen.
        groups: What may lose channels.
        parameters: The most that the trunk may have.
        teaching: Images and labels.
        progress: Takes up where a killed run was, search by search.
        short: Steps of each short search.
        steps: Steps of the last one.
    """
    costs = branch_costs(network, rest, groups, teaching)
    low, high = math.log(_L1_LOW), math.log(_L1_HIGH)
    total = SHORT_SEARCHES * short + steps
    fast = LEARNING_RATE * steps / short  # Adam's steps are of the rate's size: as far as the last search goes
    for turn in range(SHORT_SEARCHES):
        l1 = math.exp((low + high) / 2)
        found = _kept(progress, f"search {turn}")
        if found is None:
            found = _descend(network, rest, groups, costs, l1, short, teaching, turn * short, total, fast, parameters)
            progress.keep(f"search {turn}", found)
        left = count_parameters(network, groups, masks_of(groups, found))
        low, high = (math.log(l1), high) if left > parameters else (low, math.log(l1))
    l1 = math.exp(high)
    found = _kept(progress, "search")
    if found is None:
        found = _descend(
            network, rest, groups, costs, l1, steps, teaching, total - steps, total, until=parameters, longest=2 * steps
        )
        progress.keep("search", found)
    return Found(found, l1, SHORT_SEARCHES)


def descend(
    network: Probed, rest: nn.Module, groups: tuple[Group, ...], l1: float, steps: int, teaching: Teaching
) -> dict[str, float]:
    """Return the sparsities that one search at a fixed l1 ends on."""
    costs = branch_costs(network, rest, groups, teaching)
    return _descend(network, rest, groups, costs, l1, steps, teaching, 0, steps)


def branch_costs(network: Probed, rest: nn.Module, groups: tuple[Group, ...], teaching: Teaching) -> list[Tensor]:
    """Return 0.5 G_j + 0.5 H_j, (K,) for each group, in (0, 1): of its layers, over those of the whole network."""
    images, _ = teaching.batch(np.arange(min(2, teaching.count)))
    ours = count_layers(network.trunk, images)
    with torch.no_grad():
        theirs = count_layers(rest, network.trunk(images))
    layers = [*ours.values(), *theirs.values()]
    macs = sum(layer.macs for layer in layers)
    access = sum(layer.weights + layer.read + layer.written for layer in layers)
    return [_branch_cost(group, ours, macs, access) for group in groups]


def _branch_cost(group: Group, layers: Mapping[str, LayerCost], macs: float, access: float) -> Tensor:
    left = torch.tensor([1.0 - s for s in group.sparsities], dtype=torch.float64)
    total = torch.zeros_like(left)
    for side in group.sides:
        layer = layers.get(side.layer.partition(".")[2]) if side.along == "out" else None
        if layer is not None:
            memory = layer.read + left * (layer.weights + layer.written)
            total += 0.5 * memory / access + 0.5 * left * layer.macs / macs
    return total.float()


def meet(
    network: Probed, groups: tuple[Group, ...], sparsities: Mapping[str, float], parameters: int
) -> dict[str, float]:
    """Return the sparsities moved by one common offset so that the trunk has at most the parameters asked for.

    The offset is the least that does, below 0 where there is room; each sparsity stays between 0 and the largest of its
    group's candidates. Where even those leave too many parameters they are returned.
    """

    def moved(offset: float) -> dict[str, float]:
        return {group.name: min(max(sparsities[group.name] + offset, 0.0), group.sparsities[-1]) for group in groups}

    low, high = -1.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        fits = count_parameters(network, groups, masks_of(groups, moved(middle))) <= parameters
        low, high = (low, middle) if fits else (middle, high)
    return moved(high)


def as_log(scores: Tensor) -> Tensor:
    """Return scores (N, C) as logits: of rows that are probabilities their logarithms."""
    rows = scores.detach()
    sums = rows.sum(dim=1)
    if bool((rows >= 0).all()) and bool(torch.isclose(sums, torch.ones_like(sums), atol=1e-3).all()):
        return scores.clamp_min(1e-30).log()
    return scores


def _kept(progress: Progress, stage: str) -> dict[str, float] | None:
    kept: dict[str, float] | None = progress[stage]
    return kept


def _descend(
    network: Probed,
    rest: nn.Module,
    groups: tuple[Group, ...],
    costs: list[Tensor],
    l1: float,
    steps: int,
    teaching: Teaching,
    done: int,
    total: int,
    rate: float = LEARNING_RATE,
    until: int = 0,
    longest: int = 0,
) -> dict[str, float]:
    """Return the sparsities at the step that leaves `until` parameters or fewer, else at the last one."""
    device = next(network.parameters()).device
    mixture = Mixture(groups).to(device)
    optimiser = torch.optim.Adam(mixture.parameters(), rate)
    generator = np.random.default_rng([teaching.seed, 1])
    size = min(BATCH, teaching.count)
    with masked(network, groups, gains_once := Gains(mixture)), _norms_training(network, rest):
        for step in range(max(steps, longest)):
            teaching.tell("search", done + min(step, steps), total)
            l1 *= _GROWTH if step >= steps else 1.0
            images, labels = teaching.batch(np.sort(generator.choice(teaching.count, size, replace=False)))
            gains_once.refresh()
            features = network.trunk(images) * map_gain(network, groups, gains_once)
            loss = nn.functional.cross_entropy(as_log(rest(features)), labels)
            for g, cost in zip(mixture.coefficients(), costs, strict=True):
                loss = loss + l1 * (g @ cost.to(device))
            if not math.isfinite(loss.item()):
                raise WorkerFailed("the search for a subgraph diverged: its loss is no longer finite")
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if until and count_parameters(network, groups, masks_of(groups, mixture.sparsities())) <= until:
                break
    teaching.tell("search", done + steps, total)
    return mixture.sparsities()


def _norms_training(*networks: nn.Module) -> AbstractContextManager[None]:
    """Let batch norms use the batch's statistics and keep their own; weights are frozen."""

    @contextmanager
    def holding() -> Iterator[None]:
        norms = [m for network in networks for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        momenta = [norm.momentum for norm in norms]
        counts = [norm.num_batches_tracked.clone() for norm in norms if norm.num_batches_tracked is not None]
        learned = [value for network in networks for value in network.parameters() if value.requires_grad]
        for norm in norms:
            norm.train()
            norm.momentum = 0.0
        for value in learned:
            value.requires_grad_(False)
        try:
            yield
        finally:
            for value in learned:
                value.requires_grad_(True)
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.eval()
                norm.momentum = momentum
            for norm, counted in zip([n for n in norms if n.num_batches_tracked is not None], counts, strict=True):
                norm.num_batches_tracked = counted

    return holding()
