"""Channels that can only be removed together: found by the dependency graph of layers, ranked by their filters.

G. Fang, X. Ma, M. Song, M. Bi Mi and X. Wang, "DepGraph: Towards Any Structural Pruning", CVPR 2023.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import torch
import torch_pruning as tp
from numpy.typing import NDArray
from torch import Tensor, nn

from vetgate.api import WorkerFailed
from vetgate_delta.program import WEIGHTED

PROBE: Final = "probe"
TRUNK: Final = "trunk"
CONVOLUTION_SPARSITIES: Final = tuple(0.125 * k for k in range(8))
LINEAR_SPARSITIES: Final = tuple(0.2 * k for k in range(5))
_ALONG: Final = (nn.BatchNorm1d, nn.BatchNorm2d, nn.PReLU)
"""Layers that treat each channel by itself."""
_INWARDS: Final = (tp.prune_conv_in_channels, tp.prune_linear_in_channels)


class Probed(nn.Module):
    """A network that ends in a map, with one layer that takes it, so that the map's channels have a consumer."""

    def __init__(self, trunk: nn.Module, channels: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.probe = nn.Conv2d(channels, 1, 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, 1, h, w) of images."""
        result: Tensor = self.probe(self.trunk(images))
        return result


@dataclass(frozen=True)
class Side:
    """Where a group's channels stand in one layer."""

    layer: str
    """Path in the probed network."""
    along: Literal["out", "in"]
    places: NDArray[np.intp]
    """Positions along the layer's outputs or inputs."""
    channels: NDArray[np.intp]
    """The group's channel at each of these."""


@dataclass(frozen=True)
class Group:
    """Channels that are kept or removed together, wherever they occur."""

    name: str
    """The first layer that makes them."""
    norms: NDArray[np.float64]
    """(C,) sum of the l2 norms of the filters that make each channel."""
    sides: tuple[Side, ...]
    linear: bool

    @property
    def channels(self) -> int:
        """How many there are."""
        return len(self.norms)

    @property
    def sparsities(self) -> tuple[float, ...]:
        """What the search chooses from, rising from 0."""
        return LINEAR_SPARSITIES if self.linear else CONVOLUTION_SPARSITIES

    def kept(self, sparsity: float) -> int:
        """Return how many channels a sparsity leaves, at least one."""
        return max(1, round((1.0 - sparsity) * self.channels))

    def strongest(self, count: int) -> NDArray[np.bool_]:
        """Return (C,) True for the channels of largest norm; of equal ones the first."""
        mask = np.zeros(self.channels, np.bool_)
        mask[np.argsort(-self.norms, kind="stable")[:count]] = True
        return mask

    def masks(self) -> NDArray[np.float32]:
        """Return (K, C) the masks M(s), one row for each of `sparsities`."""
        return np.stack([self.strongest(self.kept(s)) for s in self.sparsities]).astype(np.float32)


def find_groups(network: Probed, example: Tensor) -> tuple[Group, ...]:
    """Return the groups of channels that can be removed, in the order of the network.

    Groups that touch a layer which mixes channels in another way than by weights (layer and group norms, grouped
    convolutions, attention) or tensors outside of layers are left out: there, masked would not equal removed.

    Args:
        network: In eval mode on the CPU.
        example: Images as it takes them.
    """
    names = {layer: name for name, layer in network.named_modules()}
    graph = dependency_graph(network, example)
    # the library keeps a registry by type; its roots are layers whose outputs can be pruned
    found = [_group(item, names) for item in graph.get_all_groups(ignored_layers=[network.probe])]
    return tuple(group for group in found if group is not None)


def dependency_graph(network: nn.Module, example: Tensor) -> Any:  # noqa: ANN401  # the library has no types
    """Return the library's graph of a network; it is found along gradients.

    Raises:
        WorkerFailed: The library fails.
    """
    network.requires_grad_(True)
    try:
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter(
                "ignore"
            )  # parameters outside of layers are told about; groups with them are left out
            return tp.DependencyGraph().build_dependency(network, example_inputs=example)
    except Exception as error:  # the library runs the module's own code, which may raise anything
        raise WorkerFailed(f"its channels cannot be grouped: {' '.join(str(error).split())[:200]}") from None


def count_parameters(network: nn.Module, groups: tuple[Group, ...], kept: Mapping[str, NDArray[np.bool_]]) -> int:
    """Return how many parameters the trunk has once channels are removed.

    Args:
        network: The probed network, whole.
        groups: Its groups.
        kept: (C,) True for what stays, by group; groups that are not named stay whole.
    """
    lost: dict[tuple[str, str], int] = {}
    for group in groups:
        mask = kept.get(group.name)
        if mask is None:
            continue
        for side in group.sides:
            gone = int(np.count_nonzero(~mask[side.channels]))
            lost[side.layer, side.along] = lost.get((side.layer, side.along), 0) + gone
    total = 0
    for name, layer in network.named_modules():
        if name != PROBE:
            total += _left(layer, lost.get((name, "out"), 0), lost.get((name, "in"), 0))
    return total


def _left(layer: nn.Module, out_lost: int, in_lost: int) -> int:
    total = 0
    for name, value in layer.named_parameters(recurse=False):
        shape = list(value.shape)
        if shape and not isinstance(layer, nn.PReLU):
            shape[0] -= out_lost
        if name == "weight" and isinstance(layer, WEIGHTED) and not is_depthwise(layer):
            shape[1] -= in_lost
        total += int(np.prod(shape))
    return total


def is_depthwise(layer: nn.Module) -> bool:
    """Return whether a layer filters each channel by itself."""
    return isinstance(layer, nn.Conv2d) and layer.groups > 1 and layer.groups == layer.in_channels == layer.out_channels


def _group(item: Any, names: Mapping[nn.Module, str]) -> Group | None:  # noqa: ANN401  # the library has no types
    root = item[0].dep.target.module
    sides, linear = [], True
    norms = np.zeros(len(item[0].idxs), np.float64)
    for entry in item:
        layer = entry.dep.target.module
        if layer not in names:  # an operator between layers, or a tensor outside of them
            if isinstance(layer, nn.Parameter):
                return None
            continue
        if not _understood(layer):
            return None
        side = _side(entry, names[layer])
        sides.append(side)
        if side.along == "out" and isinstance(layer, WEIGHTED):
            np.add.at(norms, side.channels, _filter_norms(layer)[side.places])
            linear = linear and isinstance(layer, nn.Linear)
    if len(norms) < 2 or not any(side.along == "in" for side in sides):
        return None
    return Group(_first_maker(sides, names, names[root]).removeprefix(f"{TRUNK}."), norms, tuple(sides), linear)


def _first_maker(sides: list[Side], names: Mapping[nn.Module, str], root: str) -> str:
    """Return the first layer of the network whose output channels are the group's, in the group's order."""
    makers = {
        side.layer
        for side in sides
        if side.along == "out" and len(side.places) and np.array_equal(side.places, side.channels)
    }
    return next((name for layer, name in names.items() if name in makers and isinstance(layer, WEIGHTED)), root)


def _understood(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.groups == 1 or is_depthwise(layer)
    if isinstance(layer, nn.PReLU):
        return layer.num_parameters == 1
    return isinstance(layer, (nn.Linear, *_ALONG))


def _side(entry: Any, name: str) -> Side:  # noqa: ANN401  # the library has no types
    layer = entry.dep.target.module
    # a depthwise layer's inputs are its outputs, and the library has one function for both
    inwards = entry.dep.handler in _INWARDS and isinstance(layer, WEIGHTED) and not is_depthwise(layer)
    return Side(
        layer=name,
        along="in" if inwards else "out",
        places=np.asarray(entry.idxs, np.intp),
        channels=np.asarray(entry.root_idxs, np.intp),
    )


def _filter_norms(layer: nn.Module) -> NDArray[np.float64]:
    weight: Tensor = layer.weight  # type: ignore[assignment]
    with torch.no_grad():
        norms: NDArray[np.float64] = weight.flatten(1).double().norm(dim=1).cpu().numpy()
    return norms
