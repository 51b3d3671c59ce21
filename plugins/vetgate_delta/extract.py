"""Channels really removed, and the proof that the removed network is the masked one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vetgate.api import WorkerFailed
from vetgate_delta.groups import PROBE, Group, Probed, dependency_graph
from vetgate_delta.mixture import masked
from vetgate_delta.program import near

TOLERANCE = 1e-4
"""Largest difference of masked and removed over the largest value: sums of other lengths round otherwise."""


def remove(network: Probed, example: Tensor, gone: Mapping[str, tuple[int, ...]]) -> None:
    """Remove channels in place.

    Args:
        network: In eval mode on the CPU.
        example: Images as it takes them.
        gone: Channels to remove by group: the trunk's layer that first makes them.

    Raises:
        WorkerFailed: The library fails, or the layers do not fit together afterwards.
    """
    import torch_pruning as tp

    graph = dependency_graph(network, example)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, channels in gone.items():
                layer = network.trunk.get_submodule(name)
                inner = (
                    tp.prune_linear_out_channels if isinstance(layer, torch.nn.Linear) else tp.prune_conv_out_channels
                )
                if channels:
                    graph.get_pruning_group(layer, inner, list(channels)).prune()
        with torch.no_grad():
            network(example)
    except Exception as error:  # the library runs the module's own code, which may raise anything
        raise WorkerFailed(
            f"the reference's channels cannot be removed: {' '.join(str(error).split())[:200]}"
        ) from None


def extract(
    network: Probed, example: Tensor, groups: tuple[Group, ...], kept: Mapping[str, NDArray[np.bool_]]
) -> dict[str, tuple[int, ...]]:
    """Remove channels in place and return which, by group, after seeing that removed equals masked.

    Args:
        network: In eval mode on the CPU.
        example: Images on which the two are compared.
        groups: Of the network.
        kept: (C,) True for what stays, by group.

    Raises:
        WorkerFailed: They cannot be removed, or what is left computes something else than the masked network.
    """
    if not groups:
        return {}
    gains = {name: torch.from_numpy(mask.astype(np.float32)) for name, mask in kept.items()}
    with torch.no_grad():
        with masked(network, groups, lambda: gains):
            expected = network(example)
            maps = network.trunk(example)[:, _map_kept(network, groups, kept)]
        gone = {name: tuple(np.flatnonzero(~mask).tolist()) for name, mask in kept.items()}
        with torch.enable_grad():
            remove(network, example, gone)
        same = near(network(example), expected, TOLERANCE) and near(network.trunk(example), maps, TOLERANCE)
    if not same:
        raise WorkerFailed("a network with channels removed does not equal the one with the same channels masked")
    return gone


def _map_kept(network: Probed, groups: tuple[Group, ...], kept: Mapping[str, NDArray[np.bool_]]) -> Tensor:
    stays = np.ones(network.probe.in_channels, np.bool_)
    for group in groups:
        for side in group.sides:
            if side.layer == PROBE:
                stays[side.places] = kept[group.name][side.channels]
    return torch.from_numpy(np.flatnonzero(stays))
