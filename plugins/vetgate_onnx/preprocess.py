"""What a graph does to its input before its first layer: scaling by constants that somebody put inside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import OwnScaling
from vetgate_onnx.graph import MOVES, STANDARD, Graph, Node

_PASSES = MOVES | {"Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "Clip", "Dropout", "Slice", "Gather"}
_SHIFTS = ("Add", "Sub")
_SCALES = ("Mul", "Div")


def own_scaling(graph: Graph) -> OwnScaling | None:
    """Return by what the input is scaled; None where it is not."""
    factor, operators = 1.0, []
    for node in _chain(graph):
        if node.proto.op_type in (*_SHIFTS, *_SCALES, "BatchNormalization"):
            operators.append(node.type)
            factor *= _factor(graph, node)
    return OwnScaling(operators=tuple(operators), factor=factor) if operators and np.isfinite(factor) else None


def scales_input(graph: Graph, node: Node) -> bool:
    """Return whether a node scales the input, so that its constants are no learned values."""
    return any(node is other for other in _chain(graph))


def _chain(graph: Graph) -> Iterator[Node]:
    """Yield the operators from the input on, as far as each takes nothing but the one before it and constants."""
    inputs = graph.inputs()
    name = inputs[0].name if len(inputs) == 1 else ""
    for _ in range(len(graph.nodes)):
        takers = graph.consumers.get(name, ())
        if len(takers) != 1 or not _scales(graph, *takers[0]):
            return
        node = takers[0][0]
        yield node
        name = node.proto.output[0]


def _scales(graph: Graph, node: Node, index: int) -> bool:
    kind = node.proto.op_type
    if node.nested or node.proto.domain not in (*STANDARD, "com.microsoft"):
        return False
    if kind in _PASSES:
        return index == 0
    if kind == "BatchNormalization":
        return index == 0 and all(graph.array(node.input(place)) is not None for place in (1, 4))
    if kind not in (*_SHIFTS, *_SCALES) or (kind == "Div" and index):
        return False
    return _constant(graph, node, 1 - index) is not None


def _factor(graph: Graph, node: Node) -> float:
    """Return by what a node multiplies, at most."""
    kind = node.proto.op_type
    if kind == "BatchNormalization":
        scale, variance = (_constant(graph, node, place) for place in (1, 4))
        if scale is None or variance is None or not scale.size:
            return 1.0
        epsilon = next((entry.f for entry in node.proto.attribute if entry.name == "epsilon"), 1e-5)
        return float(np.max(np.abs(scale) / np.sqrt(np.abs(variance) + epsilon)))
    if kind not in _SCALES:
        return 1.0
    value = next((found for place in (0, 1) if (found := _constant(graph, node, place)) is not None), None)
    if value is None or not value.size:
        return 1.0
    with np.errstate(divide="ignore"):
        return float(np.max(np.abs(value if kind == "Mul" else 1 / value)))


def _constant(graph: Graph, node: Node, place: int) -> NDArray[np.float64] | None:
    values = graph.array(node.input(place)) if node.input(place) else None
    return values.astype(np.float64) if values is not None and values.dtype.kind in "fiu" else None
