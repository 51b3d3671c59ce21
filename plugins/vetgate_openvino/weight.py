"""Figures of stored tensors, taken after de-quantisation, and what each is to the model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
    "LSTMSequence": frozenset({4, 5, 6}),
    **dict.fromkeys(("GRUSequence", "RNNSequence", "LSTMCell"), frozenset({3, 4, 5})),
    **dict.fromkeys(("GRUCell", "RNNCell"), frozenset({2, 3, 4})),
    "Gather": frozenset({0}),
}
_LEARNED_WHERE_FLOAT = frozenset({"Add", "Subtract", "Multiply", "Concat"})
"""Operators whose floating-point constants, but for single numbers, are taken for learned: biases, embeddings."""
_SCALING = frozenset({"Subtract", "Multiply"})
"""Operators that de-quantise: their second operand is zero point or scale."""
_UNPACKED = frozenset({"Convert", "Subtract", "Reshape", "Transpose"})
_NORM = frozenset({"BatchNormInference"})
_FLOATS = frozenset({"float32", "float16", "float64", "bfloat16"})


@dataclass(frozen=True)
class _Use:
    """How a constant is taken."""

    kind: Kind
    zero: NDArray[np.generic] | None = None
    """Its zero point, where it is quantised."""
    scale: NDArray[np.generic] | None = None
    """Its scale, where it is quantised."""


def tensors(graph: openvino.Model) -> tuple[Tensor, ...]:
    """Return every stored tensor of the model, in the order in which it is computed with; names are told once."""
    return tuple(_tensor(node) for node in graph.get_ordered_ops() if node.get_type_name() == "Constant")


def _tensor(node: openvino.Node) -> Tensor:
    port = node.output(0)
    dtype = type_name(port.get_element_type())
    values, use = _values(node), _use(node, dtype)
    shape = tuple(int(length) for length in port.get_shape())
    elements = math.prod(shape)
    numbers = None if values is None else _dequantised(values, use)
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


def _dequantised(values: NDArray[np.generic], use: _Use) -> NDArray[np.generic]:
    """Return what is computed with; as it is stored, where zero point and scale are not of its shape."""
    parts = [part for part in (use.zero, use.scale) if part is not None]
    try:
        if not parts or np.broadcast_shapes(values.shape, *(part.shape for part in parts)) != values.shape:
            return values
    except ValueError:  # shapes that do not broadcast are the runtime's to refuse
        return values
    zero, scale = (np.float32(default) if part is None else part.astype(np.float32)
                   for part, default in ((use.zero, 0), (use.scale, 1)))  # fmt: skip
    return np.asarray((values.astype(np.float32) - zero) * scale)


def _use(node: openvino.Node, dtype: str) -> _Use:
    """Return the most telling use of a constant: as parameter, else as normalisation, else as state."""
    best = _Use("state")
    for use in _uses(node, dtype):
        if _RANK[use.kind] > _RANK[best.kind]:
            best = use
    return best


def _uses(node: openvino.Node, dtype: str) -> Iterator[_Use]:
    pending: list[tuple[openvino.Output, _Use]] = [(node.output(0), _Use("state"))]
    seen: set[tuple[str, int]] = set()
    while pending:
        port, so_far = pending.pop()
        place = (str(port.get_node().get_friendly_name()), int(port.get_index()))
        if place in seen:
            continue
        seen.add(place)
        for taker in port.get_target_inputs():
            consumer, index = taker.get_node(), int(taker.get_index())
            kind = str(consumer.get_type_name())
            if index == 0 and (kind in _PASSES or kind == "FakeQuantize"):
                pending += [(out, so_far) for out in consumer.outputs()]
            elif index == 0 and kind in _SCALING and _is_scaling(consumer, dtype):
                part = _constant(consumer.input_value(1))
                given = replace(so_far, zero=part) if kind == "Subtract" else replace(so_far, scale=part)
                pending.append((consumer.output(0), given))
            elif index == 1 and kind in _SCALING and _is_stored_small(consumer.input_value(0)):
                yield _Use("state")  # a scale or zero point of a weight
            else:
                floating = dtype in _FLOATS or so_far.scale is not None
                yield replace(so_far, kind=_kind(kind, index, node, floating=floating))


def _is_scaling(node: openvino.Node, dtype: str) -> bool:
    """Return whether a product or difference only turns stored numbers into those that are computed with."""
    return (dtype not in _FLOATS or dtype == "float16") and _constant(node.input_value(1)) is not None


def _is_stored_small(port: openvino.Output) -> bool:
    """Return whether what comes here is a stored tensor of integers, as yet without its scale or its zero point."""
    node = port.get_node()
    while node.get_type_name() in _UNPACKED and node.get_input_size() > 0:
        node = node.input_value(0).get_node()
    return node.get_type_name() == "Constant" and type_name(node.output(0).get_element_type()) not in _FLOATS


def _constant(port: openvino.Output) -> NDArray[np.generic] | None:
    """Return a constant in the shape in which it comes here, which is not always that in which it is stored."""
    node = port.get_node()
    while node.get_type_name() in ("Convert", "Reshape", "Squeeze", "Unsqueeze"):
        node = node.input_value(0).get_node()
    values = _values(node) if node.get_type_name() == "Constant" else None
    shape = port.get_partial_shape()
    if values is None or shape.is_dynamic or math.prod(shape.to_shape()) != values.size:
        return values
    return values.reshape(tuple(shape.to_shape()))


def _kind(operator: str, index: int, node: openvino.Node, *, floating: bool) -> Kind:
    """Return what a constant is to one operator.

    Args:
        operator: Its type.
        index: Which input of it.
        node: The constant.
        floating: Whether it comes there as floating-point numbers.
    """
    if operator in _NORM:
        return "normalisation" if index in (1, 2) else "state"
    if operator in _LEARNED_WHERE_FLOAT:
        return "parameter" if floating and math.prod(node.output(0).get_shape()) > 1 else "state"
    if operator == "Gather" and not floating:
        return "state"
    return "parameter" if index in _LEARNED.get(operator, ()) else "state"
