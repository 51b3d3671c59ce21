"""Removing whole channels by group norm: coupled layers are one group and lose the same channels.

G. Fang, X. Ma, M. Song, M. Bi Mi and X. Wang, "DepGraph: Towards Any Structural Pruning", CVPR 2023.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import torch
import torch_pruning as tp
from torch import nn

from vetgate.api import Bench, Inconclusive, Made, VetgateError, WorkerFailed, read_settings
from vetgate_compress.export import answer, example_images, write_module
from vetgate_compress.refusal import reason
from vetgate_compress.settings import STRUCTURED
from vetgate_compress.weights import CONVOLUTIONS, find_weights

_HINT: Final = "structured pruning needs layers whose widths follow from one another; leave this variant out"


class Structured:
    """Removes the share `rate` of each group's channels; image channels and classes stay."""

    def compress(self, bench: Bench) -> Made:
        """Prune and export; see vetgate.api.Compressor."""
        rate = float(read_settings("prune-structured", bench.settings, STRUCTURED)["rate"])
        module = bench.module().requires_grad_(True)  # the graph of layers is found along gradients
        find_weights(module)
        images = example_images(bench.card, 1)
        shape = answer(module, images).shape
        macs, parameters = tp.utils.count_ops_and_params(module, images)
        bench.tell("prune channels", 0, 1)
        _prune(module, images, shape, rate)
        bench.tell("prune channels", 1, 1)
        macs_left, left = tp.utils.count_ops_and_params(module, images)
        if left >= parameters:
            raise Inconclusive(
                f"at a rate of {rate:g} no channel can be removed: its layers are too narrow or tied to its outputs"
            )
        write_module(module.requires_grad_(False), bench)
        return Made(
            notes=(
                f"parameters {parameters:,.0f} -> {left:,.0f} ({left / parameters:.1%}),"
                f" MACs for an image {macs:,.0f} -> {macs_left:,.0f} ({macs_left / macs:.1%})",
                "not fine-tuned afterwards",
            )
        )


def _prune(module: nn.Module, images: torch.Tensor, shape: torch.Size, rate: float) -> None:
    """Remove channels in place.

    Raises:
        Inconclusive: No layer of it makes the class scores, or it does not bear narrower layers.
        WorkerFailed: The library fails.
    """
    classifier = _classifier(module, images, shape)
    heads = {layer: layer.num_heads for layer in module.modules() if isinstance(layer, nn.MultiheadAttention)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parameters outside of layers stay as they are
            pruner = tp.pruner.BasePruner(
                module,
                images,
                importance=tp.importance.GroupMagnitudeImportance(p=2),
                pruning_ratio=rate,
                ignored_layers=[classifier],
                in_channel_groups={},  # the library keeps its defaults between calls
                out_channel_groups={},
                num_heads=heads,
            )
            pruner.step()
        pruned = answer(module, images).shape
    except MemoryError:
        raise
    except VetgateError as error:
        raise Inconclusive(f"without the channels {error.message}", hint=_HINT) from None
    except Exception as error:  # the library runs the module's own code, which may raise anything
        raise WorkerFailed(f"its channels cannot be removed: {reason(error)}", hint=_HINT) from None
    if pruned != shape:
        raise Inconclusive(f"without the channels it answers with shape {tuple(pruned)} instead of {tuple(shape)}")


def _classifier(module: nn.Module, images: torch.Tensor, shape: torch.Size) -> nn.Module:
    """Return the layer that makes the class scores: the last one to run that has as many outputs as there are classes.

    Raises:
        Inconclusive: There is none.
    """
    ran: list[nn.Module] = []

    def note(layer: nn.Module, *_: Any) -> None:  # noqa: ANN401  # a hook's inputs and outputs
        outputs = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
        if outputs == shape[-1]:
            ran.append(layer)

    hooks = [
        layer.register_forward_hook(note) for layer in module.modules() if isinstance(layer, (*CONVOLUTIONS, nn.Linear))
    ]
    answer(module, images)
    for hook in hooks:
        hook.remove()
    if not ran:
        raise Inconclusive(f"no linear layer or convolution has {shape[-1]} outputs, so its classifier cannot be told")
    return ran[-1]
