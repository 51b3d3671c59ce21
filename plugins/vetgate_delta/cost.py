"""What a network costs: numbers that it learned, and multiply-accumulates for one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vetgate_delta.program import WEIGHTED


@dataclass(frozen=True)
class Cost:
    """Of one image."""

    parameters: int
    macs: int
    """Multiply-accumulates of convolutions and matrix products."""


@dataclass(frozen=True)
class LayerCost:
    """Of one layer with weights, for one image."""

    macs: float
    weights: int
    """Numbers that it learned, bias included."""
    read: float
    """Activations read."""
    written: float
    """Activations written."""


def count(module: nn.Module, example: Tensor) -> Cost:
    """Return what a module costs for one image.

    Args:
        module: Each parameter counts once, however often it is used.
        example: (N, ...) images as the module takes them, N at least 1.
    """
    mode = FlopCounterMode(display=False)
    was = module.training
    module.eval()
    with torch.no_grad(), mode:
        module(example)
    module.train(was)
    parameters = sum(value.numel() for value in module.parameters())
    return Cost(parameters, round(mode.get_total_flops() / 2 / len(example)))


def count_layers(module: nn.Module, example: Tensor) -> dict[str, LayerCost]:
    """Return what each layer with weights costs for one image, by its path; layers that do not run are left out."""
    found: dict[str, LayerCost] = {}
    images = len(example)

    def note(name: str, layer: nn.Module, given: Tensor, result: Tensor) -> None:
        weight: Tensor = layer.weight  # type: ignore[assignment]
        macs = weight.numel() * result.numel() / (weight.shape[0] * images)
        numbers = sum(value.numel() for value in layer.parameters(recurse=False))
        before = found.get(name, LayerCost(0.0, 0, 0.0, 0.0))
        found[name] = LayerCost(
            before.macs + macs, numbers, before.read + given.numel() / images, before.written + result.numel() / images
        )

    def hook(name: str) -> Any:  # noqa: ANN401  # what torch calls
        return lambda layer, given, result: note(name, layer, given[0], result)

    hooks = [
        layer.register_forward_hook(hook(name)) for name, layer in module.named_modules() if isinstance(layer, WEIGHTED)
    ]
    with torch.no_grad():
        module(example)
    for handle in hooks:
        handle.remove()
    return found
