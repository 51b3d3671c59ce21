"""Figures of stored tensors, taken after de-quantisation, and what each is to the model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import openvino
from numpy.typing import NDArray

from vetgate.api import Tensor
from vetgate_openvino.graph import type_name

Kind = Literal["parameter", "normalisation", "state"]
_RANK: dict[Kind, int] = {"state": 0, "normalisation": 1, "parameter": 2}
_PASSES = frozenset({"Convert", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Split", "VariadicSplit", "Broadcast"})
"""Operators through which a weight stays a weight."""
_LEARNED: dict[str, frozenset[int]] = {
    **dict.fromkeys(("Convolution", "GroupConvolution", "PRelu", "DeformableConvolution"), frozenset({1})),
    **dict.fromkeys(("ConvolutionBackpropData", "GroupConvolutionBackpropData"), frozenset({1})),
    **dict.fromkeys(("MatMul", "Einsum"), frozenset({0, 1})),
    **dict.fromkeys(("LSTMSequence", "GRUSequence", "RNNSequence"), frozenset({4, 5, 6})),
    "Gather": frozenset({0}),
}
_LEARNED_WHERE_FLOAT = frozenset({"Add", "Subtract", "Multiply", "Concat"})
"""Operators whose floating-point constants, but for single numbers, are taken for learned: biases, embeddings."""
_NORM = frozenset({"BatchNormInference"})
_FLOATS = frozenset({"float32", "float16", "float64", "bfloat16"})


@dataclass(frozen=True)
class _Use:
    """How a constant is taken."""

    kind: Kind
    zero: NDArray[np.generic] | None = None
    """Its zero point, where it is quantised."""


def tensors(graph: openvino.Model) -> tuple[Tensor, ...]:
    """Return every stored tensor of the model, in the order in which it is computed with; names are told once."""
    return tuple(_tensor(node) for node in graph.get_ordered_ops() if node.get_type_name() == "Constant")


def _tensor(node: openvino.Node) -> Tensor:
    port = node.output(0)
    dtype = type_name(port.get_element_type())
    values, use = _values(node), _use(node, dtype)
    shape = tuple(int(length) for length in port.get_shape())
    elements = math.prod(shape)
    numbers = values if values is None or use.zero is None else _minus(values, use.zero)
    return Tensor(
        name=str(node.get_friendly_name()),
        shape=shape,
        dtype=dtype,
        kind=use.kind,
        elements=elements,
        nonzero=elements if numbers is None else int(np.count_nonzero(numbers)),
        distinct=elements if numbers is None else int(np.unique(numbers).size),
        bits=float(port.get_element_type().bitwidth),
    )


def _values(node: openvino.Node) -> NDArray[np.generic] | None:
    """Return what is stored as numbers that numpy can compare; None for types that hold none."""
    kind = str(node.output(0).get_element_type().get_type_name())
    try:
        if kind in ("i4", "u4", "bf16"):
            wanted = {"i4": np.int8, "u4": np.uint8, "bf16": np.float32}[kind]
            return np.asarray(node.get_data(dtype=wanted))
        return np.asarray(node.get_data())
    except (RuntimeError, TypeError, ValueError):  # strings and the types of four and eight bits that numpy has not
        return None


def _minus(values: NDArray[np.generic], zero: NDArray[np.generic]) -> NDArray[np.generic]:
    try:
        return np.asarray(values.astype(np.float32) - zero.astype(np.float32))
    except ValueError:  # shapes that do not broadcast are the runtime's to refuse
        return values


def _use(node: openvino.Node, dtype: str) -> _Use:
    """Return the most telling use of a constant: as parameter, else as normalisation, else as state."""
    best = _Use("state")
    for use in _uses(node, dtype):
        if _RANK[use.kind] > _RANK[best.kind]:
            best = use
    return best


def _uses(node: openvino.Node, dtype: str) -> Iterator[_Use]:
    pending: list[tuple[openvino.Output, NDArray[np.generic] | None, bool]] = [(node.output(0), None, False)]
    seen: set[tuple[str, int]] = set()
    while pending:
        port, zero, scaled = pending.pop()
        place = (str(port.get_node().get_friendly_name()), int(port.get_index()))
        if place in seen:
            continue
        seen.add(place)
        for taker in port.get_target_inputs():
            consumer, index = taker.get_node(), int(taker.get_index())
            kind = str(consumer.get_type_name())
            quantised = dtype not in _FLOATS or scaled
            if index == 0 and (kind in _PASSES or kind == "FakeQuantize"):
                pending += [(out, zero, scaled) for out in consumer.outputs()]
            elif index == 0 and kind in ("Subtract", "Multiply") and _is_scaling(consumer, quantised, dtype):
                found = _constant(consumer.input_value(1)) if kind == "Subtract" else None
                pending.append((consumer.output(0), found if found is not None else zero, True))
            else:
                yield _Use(_kind(kind, index, node, dtype), zero)


def _is_scaling(node: openvino.Node, quantised: bool, dtype: str) -> bool:
    """Return whether a product or difference only turns stored numbers into those that are computed with."""
    small = quantised and dtype not in _FLOATS
    return (small or dtype == "float16") and _constant(node.input_value(1)) is not None


def _constant(port: openvino.Output) -> NDArray[np.generic] | None:
    node = port.get_node()
    while node.get_type_name() in ("Convert", "Reshape"):
        node = node.input_value(0).get_node()
    return _values(node) if node.get_type_name() == "Constant" else None


def _kind(operator: str, index: int, node: openvino.Node, dtype: str) -> Kind:
    if operator in _NORM:
        return "normalisation" if index in (1, 2) else "state"
    if operator in _LEARNED_WHERE_FLOAT:
        rank = math.prod(node.output(0).get_shape())
        return "parameter" if dtype in _FLOATS and rank > 1 else "state"
    if operator == "Gather" and dtype not in _FLOATS:
        return "state"
    return "parameter" if index in _LEARNED.get(operator, ()) else "state"
