"""Which weights of a module are pruned or clustered: those of convolutions, linear layers and attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from vetgate.api import Inconclusive
from vetgate_compress.refusal import listed

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_NAMES = ("weight", "in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")


@dataclass(frozen=True)
class Weight:
    """One weight tensor of a layer."""

    layer: nn.Module
    name: str
    """Of the parameter within its layer."""
    path: str
    """Within the module, such as `stem.0.weight`."""

    @property
    def tensor(self) -> nn.Parameter:
        """The parameter itself."""
        parameter = getattr(self.layer, self.name)
        assert isinstance(parameter, nn.Parameter)  # noqa: S101  # find_weights lists nothing else
        return parameter


def find_weights(module: nn.Module) -> list[Weight]:
    """Return the weights in the module's order, a tensor that layers share once; never empty.

    Biases, normalisation, embeddings and weights that are computed (weight normalisation) are not among them.

    Raises:
        Inconclusive: There are none, or one holds NaN or infinity.
    """
    found: dict[int, Weight] = {}
    for path, layer in module.named_modules():
        if isinstance(layer, (*CONVOLUTIONS, nn.Linear, nn.MultiheadAttention)):
            for name in _NAMES:
                parameter = layer._parameters.get(name)
                if parameter is not None and parameter.is_floating_point():
                    found.setdefault(id(parameter), Weight(layer, name, f"{path}.{name}".lstrip(".")))
    if not found:
        raise Inconclusive("the model has no convolution, linear or attention layer with weights of its own to change")
    for weight in found.values():
        if not bool(torch.isfinite(weight.tensor).all()):
            raise Inconclusive(f"{weight.path} holds NaN or infinity")
    return list(found.values())


def note_computed(module: nn.Module) -> list[str]:
    """Say which layers have no weights of their own to change, because they compute them (weight normalisation)."""
    paths = [
        path
        for path, layer in module.named_modules()
        if isinstance(layer, (*CONVOLUTIONS, nn.Linear)) and layer._parameters.get("weight") is None
    ]
    return [f"left alone, because they compute their weights: {listed(paths)}"] if paths else []
