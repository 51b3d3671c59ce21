"""The layers of a module in the order in which it computes them, each with its tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.fx import GraphModule


@dataclass(frozen=True)
class Layer:
    """A layer that multiplies weights, with what comes up to the next one: its normalisation."""

    path: str
    """Of the module that holds the weights, such as `stages.0.1.conv1`."""
    tensors: tuple[str, ...]
    """Names in the module's state_dict: weights, biases, statistics."""


def find_layers(module: nn.Module, images: torch.Tensor) -> list[Layer]:
    """Return the layers of a module in the order in which one batch passes them.

    A layer begins at each module with a weight of two dimensions or more. Tensors before the first (a class token)
    belong to the first. An exported program calls no modules; there the order is that in which its graph uses tensors.

    Args:
        module: In eval mode.
        images: Two or more, as the module takes them.
    """
    groups: list[tuple[str, list[str]]] = []
    early: list[str] = []
    state = module.state_dict()
    for owner in _owners(module, images):
        names = [name for name in state if name.rpartition(".")[0] == owner]
        if any(name.endswith("weight") and state[name].ndim >= 2 for name in names):
            groups.append((owner, [*early, *names]))
            early = []
        elif groups:
            groups[-1][1].extend(names)
        else:
            early += names
    return [Layer(path, tuple(names)) for path, names in groups]


def _owners(module: nn.Module, images: torch.Tensor) -> list[str]:
    """Return the paths of the modules that hold tensors, in the order of their first call.

    One that is never called (the inside of an attention layer) comes after its neighbour in the module's order.
    """
    calls: dict[str, int] = {}
    handles = []
    for path, part in module.named_modules():

        def note(part: nn.Module, _inputs: object, path: str = path) -> None:
            calls.setdefault(path, len(calls))
            for owner in _used(part) if isinstance(part, GraphModule) else ():
                calls.setdefault(f"{path}.{owner}".strip("."), len(calls))

        handles.append(part.register_forward_pre_hook(note))
    try:
        with torch.no_grad():
            module(images)
    finally:
        for handle in handles:
            handle.remove()
    owners = list(dict.fromkeys(name.rpartition(".")[0] for name in module.state_dict()))
    place, keys = -1, {}
    for index, owner in enumerate(owners):
        place = calls.get(owner, place)
        keys[owner] = (place, index)
    return sorted(owners, key=lambda owner: keys[owner])


def _used(program: GraphModule) -> Iterator[str]:
    """Yield the paths of what holds the tensors that a graph uses, in the order of use."""
    for node in program.graph.nodes:
        for source in node.all_input_nodes:
            if source.op == "get_attr":
                yield str(source.target).rpartition(".")[0]
