"""What a graph does to its input before its first layer: scaling by constants that somebody put inside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import OwnScaling
from vetgate_litert.model import OperatorInfo, SubgraphInfo
from vetgate_litert.operator import name_of

_PASSES = frozenset({"CAST", "QUANTIZE", "DEQUANTIZE", "TRANSPOSE", "RESHAPE"})
_SHIFTS, _SCALES = frozenset({"ADD", "SUB"}), frozenset({"MUL", "DIV"})


def own_scaling(graph: SubgraphInfo) -> OwnScaling | None:
    """Return by what the input is scaled; None where it is not."""
    factor, operators = 1.0, []
    for operator, values in scaling_operators(graph):
        name = name_of(operator)
        operators.append(name)
        with np.errstate(divide="ignore"):
            factor *= float(np.max(np.abs({"MUL": values, "DIV": 1 / values}.get(name, np.ones(1)))))
    return OwnScaling(operators=tuple(operators), factor=factor) if operators and np.isfinite(factor) else None


def scaling_operators(graph: SubgraphInfo) -> Iterator[tuple[OperatorInfo, NDArray[np.float64]]]:
    """Yield the operators that scale or shift the input before anything else takes it, and the constants by which."""
    place = graph.inputs[0] if len(graph.inputs) == 1 else -1
    for _ in range(len(graph.operators)):
        takers = [operator for operator in graph.operators if place in operator.inputs]
        if len(takers) != 1 or not takers[0].outputs:
            return
        operator, name = takers[0], name_of(takers[0])
        if name in _SHIFTS | _SCALES:
            values = _constant(graph, operator, place)
            if values is None:
                return
            yield operator, values
        elif name not in _PASSES:
            return
        place = operator.outputs[0]


def _constant(graph: SubgraphInfo, operator: OperatorInfo, place: int) -> NDArray[np.float64] | None:
    """Return the other operand; None where it is computed or quantised, whose scale lies elsewhere."""
    others = [index for index in operator.inputs if index != place and index >= 0]
    if len(others) != 1 or (name_of(operator) == "DIV" and operator.inputs[0] != place):
        return None
    tensor = graph.tensors[others[0]]
    values = tensor.values() if tensor.constant and tensor.dtype.startswith("float") else None
    return None if values is None or not values.size else values.astype(np.float64)
