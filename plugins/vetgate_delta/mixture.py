"""A group of channels as a mixture of its masked versions, and networks in which channels are masked.

Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks" (XDELTA),
structured subgraph. A group mixes its masked versions by g = softmax(theta),

    y = sum_j g_j layer(x; W * M(s_j)) = layer(x; W * sum_j g_j M(s_j)),

which is one layer instead of K. The masks act on the inputs of every layer that takes the group's channels, so after
norm and activation: a batch norm would divide the gain out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vetgate_delta.groups import PROBE, Group, Probed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mixture(nn.Module):
    """The coefficients of all groups, and the gains that follow from them.

    Args:
        groups: What is mixed. Each starts on its lowest sparsities: theta_j = -j.
    """

    def __init__(self, groups: tuple[Group, ...]) -> None:
        super().__init__()
        self.groups = groups
        self.theta = nn.ParameterList(-torch.arange(len(group.sparsities), dtype=torch.float32) for group in groups)
        self.masks = [torch.from_numpy(group.masks()) for group in groups]
        self.levels = [torch.tensor(group.sparsities) for group in groups]

    def coefficients(self) -> list[Tensor]:
        """Return (K,) for each group, summing to 1."""
        return [torch.softmax(theta, dim=0) for theta in self.theta]

    def gains(self) -> dict[str, Tensor]:
        """Return (C,) in [0, 1] by group: sum_j g_j M(s_j)."""
        return {
            group.name: g @ mask.to(g.device)
            for group, g, mask in zip(self.groups, self.coefficients(), self.masks, strict=True)
        }

    def sparsities(self) -> dict[str, float]:
        """Return sum_j g_j s_j by group."""
        with torch.no_grad():
            return {
                group.name: float(g.cpu().double() @ level.double())
                for group, g, level in zip(self.groups, self.coefficients(), self.levels, strict=True)
            }


@contextmanager
def masked(network: nn.Module, groups: tuple[Group, ...], gains: Callable[[], Mapping[str, Tensor]]) -> Iterator[None]:
    """Multiply what every layer takes of a group by the group's gain, while this holds.

    Args:
        network: Has the layers that the groups name.
        groups: Their channels.
        gains: Asked at each forward pass; (C,) by group.
    """
    takers: dict[str, list[tuple[Group, NDArray[np.intp], NDArray[np.intp]]]] = {}
    for group in groups:
        for side in group.sides:
            if side.along == "in":
                takers.setdefault(side.layer, []).append((group, side.places, side.channels))
    handles: list[RemovableHandle] = []
    try:
        for name, owned in takers.items():
            layer = network.get_submodule(name)
            handles.append(layer.register_forward_pre_hook(_multiplier(owned, gains)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _multiplier(
    owned: list[tuple[Group, NDArray[np.intp], NDArray[np.intp]]], gains: Callable[[], Mapping[str, Tensor]]
) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...]]:
    places = [(group.name, torch.from_numpy(at), torch.from_numpy(channel)) for group, at, channel in owned]

    def multiply(layer: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        features = given[0]
        along = -1 if isinstance(layer, nn.Linear) else 1
        told = gains()
        gain = torch.ones(features.shape[along], device=features.device)
        for name, at, channel in places:
            gain = gain.index_put((at.to(gain.device),), told[name].to(gain.device)[channel.to(gain.device)])
        shape = [1] * features.ndim
        shape[along] = -1
        return (features * gain.reshape(shape), *given[1:])

    return multiply


class Gains:
    """The gains of one forward pass, computed once for all layers."""

    def __init__(self, mixture: Mixture) -> None:
        self._mixture = mixture
        self._now: dict[str, Tensor] = {}

    def refresh(self) -> None:
        """Compute them anew."""
        self._now = self._mixture.gains()

    def __call__(self) -> Mapping[str, Tensor]:
        """Return them, (C,) by group."""
        return self._now


def map_gain(network: Probed, groups: tuple[Group, ...], gains: Callable[[], Mapping[str, Tensor]]) -> Tensor:
    """Return (1, C, 1, 1): the gain of the map, which the rest of the network takes instead of the probe."""
    told = gains()
    gain = torch.ones(network.probe.in_channels, device=next(network.parameters()).device)
    for group in groups:
        for side in group.sides:
            if side.layer == PROBE:
                gain = gain.index_put(
                    (torch.from_numpy(side.places).to(gain.device),),
                    told[group.name][torch.from_numpy(side.channels).to(gain.device)],
                )
    return gain.reshape(1, -1, 1, 1)


def masks_of(groups: tuple[Group, ...], sparsities: Mapping[str, float]) -> dict[str, NDArray[np.bool_]]:
    """Return what stays at given sparsities, (C,) by group."""
    return {group.name: group.strongest(group.kept(sparsities[group.name])) for group in groups}
