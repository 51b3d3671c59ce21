"""Inner tensors: the outputs of a network's layers."""

from __future__ import annotations

from typing import Any

from vetgate.api import Tap, mark_feature_map
from vetgate_keras.network import WEIGHTED

_FLOATS = frozenset({"float32", "float16", "bfloat16"})


def find_taps(network: Any, order: str) -> tuple[Tap, ...]:  # noqa: ANN401  # Keras has no types
    """Return what layers make, channels first; a network inside is one layer.

    Args:
        network: As Keras built it.
        order: NCHW or NHWC.
    """
    made, layer = [], 0
    last = _last_linear(network)
    for one in network.layers:
        kind = type(one).__name__
        weighted = kind in WEIGHTED
        layer += weighted
        shape = _shape(one, order)
        if kind != "InputLayer" and shape is not None:
            made.append(Tap(name=str(one.name), shape=shape, layer=layer, operator=kind, weighted=weighted,
                            features=one.name == last))  # fmt: skip
    return mark_feature_map(made)


def _shape(layer: Any, order: str) -> tuple[int, ...] | None:  # noqa: ANN401
    """Return the shape of one image's tensor: (C, H, W), (T, D) or (D,); None where it is none of these."""
    if len(layer._inbound_nodes) != 1 or hasattr(layer.output, "items") or isinstance(layer.output, list | tuple):
        return None
    if str(layer.output.dtype) not in _FLOATS:
        return None
    shape = tuple(layer.output.shape[1:])
    if not 1 <= len(shape) <= 3 or None in shape:
        return None
    lengths = tuple(int(length) for length in shape)
    return (lengths[2], lengths[0], lengths[1]) if order == "NHWC" and len(lengths) == 3 else lengths


def _last_linear(network: Any) -> str:  # noqa: ANN401
    """Return the name of the layer that makes what the last layer takes where that is linear; empty where none does."""
    weighted = [one for one in network.layers if type(one).__name__ in WEIGHTED]
    if not weighted or type(weighted[-1]).__name__ != "Dense" or len(weighted[-1]._inbound_nodes) != 1:
        return ""
    source = weighted[-1].input._keras_history.operation
    found = str(source.name)
    while type(source).__name__ in ("Dropout", "Identity"):  # which change nothing outside of training
        source = source.input._keras_history.operation
        found = str(source.name)
    return found
