"""The scale and zero point of a quantised input or output, as the graph states them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vetgate_onnx.graph import MOVES, Graph, Node

_ONE_OPERAND = ("Softmax", "Sigmoid", "LeakyRelu", "AveragePool", "GlobalAveragePool")
_OUTPUT_PARAMETERS: dict[str, tuple[int, int]] = {
    "QuantizeLinear": (1, 2),
    **{f"QLinear{name}": (6, 7) for name in ("Conv", "MatMul", "Add", "Mul")},
    **{f"QLinear{name}": (3, 4) for name in _ONE_OPERAND},
    "QGemm": (7, 8),
}
"""Operator to the inputs that hold the scale and zero point of its output."""
_INPUT_PARAMETERS: dict[tuple[str, int], tuple[int, int]] = {
    ("DequantizeLinear", 0): (1, 2),
    ("QGemm", 0): (1, 2),
    **{(f"QLinear{name}", 0): (1, 2) for name in ("Conv", "MatMul", "Add", "Mul", *_ONE_OPERAND)},
    **{(f"QLinear{name}", 3): (4, 5) for name in ("Add", "Mul")},
}
"""Operator and input to the inputs that hold its scale and zero point."""
_KEEPS_SCALE = MOVES | {"MaxPool", "Relu", "Slice", "Pad"}


@dataclass(frozen=True)
class Scaling:
    """value = (stored - zero_point) * scale."""

    scale: float
    zero_point: int


def input_scaling(graph: Graph, name: str) -> Scaling | None:
    """Return the scaling of an input from the first operator that states one, or None."""
    pending, seen = [name], {name}
    while pending:
        for node, index in graph.consumers.get(pending.pop(0), ()):
            place = _INPUT_PARAMETERS.get((node.proto.op_type, index))
            if place is not None:
                return _read(graph, node, *place)
            if index == 0 and node.proto.op_type in MOVES and node.proto.output[0] not in seen:
                seen.add(node.proto.output[0])
                pending.append(node.proto.output[0])
    return None


def output_scaling(graph: Graph, name: str) -> Scaling | None:
    """Return the scaling of an output from the operator that made it, or None."""
    seen: set[str] = set()
    while name in graph.producers and name not in seen:
        seen.add(name)
        node = graph.producers[name]
        place = _OUTPUT_PARAMETERS.get(node.proto.op_type)
        if place is not None:
            return _read(graph, node, *place)
        if node.proto.op_type not in _KEEPS_SCALE:
            return None
        name = node.input(0)
    return None


def _read(graph: Graph, node: Node, scale: int, zero: int) -> Scaling | None:
    """Return one scale and zero point for the whole tensor; None where there are several or they are computed."""
    scales = graph.array(node.input(scale))
    zeros = graph.array(node.input(zero)) if node.input(zero) else None
    if scales is None or scales.size != 1 or (node.input(zero) and zeros is None):
        return None
    step = float(scales.reshape(()))
    if not 0 < step < math.inf or (zeros is not None and zeros.size != 1):
        return None
    return Scaling(step, 0 if zeros is None else int(zeros.reshape(())))
