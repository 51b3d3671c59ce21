"""What is asked of a network that Keras built: its ports, its order of channels, its layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Port, UnreadableArtifact

_NORMS = frozenset({
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization",
    "Normalization",
})  # fmt: skip
_LEARNED_NORM = frozenset({"gamma", "beta", "scale"})
_COUNTED = frozenset({"Dense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D"})
_BACKWARDS = frozenset({"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"})
_SEPARABLE = frozenset({"SeparableConv1D", "SeparableConv2D"})
WEIGHTED = _COUNTED | _BACKWARDS | _SEPARABLE
_OPERATORS = frozenset({"Matmul", "Conv", "DepthwiseConv", "Dot", "Attention", "AdditiveAttention"})
"""Of no weights, and multiplying all the same."""


def layers(network: Any) -> list[Any]:  # noqa: ANN401  # Keras has no types
    """Return layers and operations in order, those of networks inside in their place."""
    found = []
    for one in getattr(network, "operations", None) or network.layers:  # a Sequential has layers alone
        found += layers(one) if hasattr(one, "layers") else [one]
    return found


def layout(network: Any) -> str:  # noqa: ANN401
    """Return the order in which images are taken: NCHW or NHWC.

    Raises:
        UnreadableArtifact: Layers differ.
    """
    orders = {str(order) for one in layers(network) if (order := getattr(one, "data_format", None)) is not None}
    if len(orders) > 1:
        raise UnreadableArtifact("mixes layers of channels first and channels last", hint="save it with one order")
    return "NCHW" if orders == {"channels_first"} else "NHWC"


def ports(tensors: Any) -> tuple[Port, ...]:  # noqa: ANN401
    """Return inputs or outputs; free lengths are None."""
    return tuple(Port(name=str(tensor.name), shape=tuple(tensor.shape), dtype=str(tensor.dtype)) for tensor in tensors)


def outputs(network: Any) -> tuple[Port, ...]:  # noqa: ANN401
    """Return the outputs, named by the layers that make them."""
    made = [tensor._keras_history.operation.name for tensor in network.outputs]
    found = ports(network.outputs)
    if len(set(made)) < len(made):
        return found
    return tuple(port.model_copy(update={"name": str(name)}) for port, name in zip(found, made, strict=True))


def kind_of(layer: Any, name: str, values: NDArray[np.generic]) -> str:  # noqa: ANN401
    """Return what a variable is to the model: parameter, normalisation or state."""
    if type(layer).__name__ in _NORMS:
        return "normalisation" if name in _LEARNED_NORM else "state"
    return "parameter" if values.dtype.kind in "fV" and name != "seed_generator_state" else "state"


def macs(layer: Any) -> tuple[int | None, str]:  # noqa: ANN401
    """Return the multiply-accumulates of one layer for one image, or None and why they cannot be told."""
    kind = type(layer).__name__
    if kind in _OPERATORS:
        return None, "what it multiplies is not counted"
    variables = [tuple(one.shape) for one in getattr(layer, "weights", ()) if len(one.shape) > 1]
    if not variables or kind in _NORMS or kind == "PReLU":
        return 0, ""
    if kind not in WEIGHTED:
        return None, "what it multiplies is not counted"
    given, out = (_positions(tensor, layer) for tensor in (layer.input, layer.output))
    if given is None or out is None:
        return None, "the size of its image is not fixed"
    if kind in _SEPARABLE:
        return out * sum(math.prod(shape) for shape in variables), ""
    return (given if kind in _BACKWARDS else out) * math.prod(variables[0]), ""


def _positions(tensor: Any, layer: Any) -> int | None:  # noqa: ANN401
    """Return at how many places of one image a kernel is applied; None where a length is free."""
    shape = list(tensor.shape[1:])
    channels = 0 if getattr(layer, "data_format", "channels_last") == "channels_first" else len(shape) - 1
    places = [length for place, length in enumerate(shape) if place != channels]
    return None if None in places else math.prod(places)
