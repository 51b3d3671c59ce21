"""Figures of stored tensors, taken after de-quantisation."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Tensor
from vetgate_litert.model import SubgraphInfo, TensorInfo
from vetgate_litert.operator import name_of
from vetgate_litert.preprocess import scaling_operators

Kind = Literal["parameter", "state"]
_WEIGHTS: dict[str, tuple[int, ...]] = {
    "CONV_2D": (1, 2),
    "DEPTHWISE_CONV_2D": (1, 2),
    "CONV_3D": (1, 2),
    "FULLY_CONNECTED": (0, 1, 2),
    "TRANSPOSE_CONV": (1, 3),
    "CONV_3D_TRANSPOSE": (1, 3),
    "BATCH_MATMUL": (0, 1),
    "PRELU": (1,),
    "EMBEDDING_LOOKUP": (1,),
    "SVDF": (1, 2, 3),
}
"""Inputs that hold learned values whatever their type: quantised biases are plain int32."""
_LEARNED_WHERE_REAL = frozenset(
    {
        "ADD", "SUB", "MUL", "GATHER", "CONCATENATION", "LSTM", "RNN", "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN",
        "STABLEHLO_CONVOLUTION", "STABLEHLO_DOT_GENERAL", "STABLEHLO_ADD", "STABLEHLO_MULTIPLY", "SELECT_V2",
    }
)  # fmt: skip
"""Operators whose real or quantised constants, but for single numbers, are taken for learned."""
_PASSES = frozenset(
    {
        "DEQUANTIZE", "QUANTIZE", "CAST", "RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "DENSIFY", "TILE",
        "BROADCAST_TO", "SLICE", "STRIDED_SLICE", "SPLIT_V",
    }
)  # fmt: skip
"""Operators through which a weight, their first input, stays a weight."""


def tensors(graphs: tuple[SubgraphInfo, ...]) -> tuple[Tensor, ...]:
    """Return every stored tensor of a file in its order; what further graphs share with those before is told once."""
    result: list[Tensor] = []
    told: set[int] = set()
    for graph in graphs:
        result += _of_graph(graph, told)
        told |= {info.buffer for info in graph.tensors}
    return tuple(result)


def _of_graph(graph: SubgraphInfo, told: set[int]) -> list[Tensor]:
    takers: dict[int, list[tuple[str, int, tuple[int, ...]]]] = defaultdict(list)
    scaling = {operator.outputs for operator, _ in scaling_operators(graph)}
    for operator in graph.operators:
        if operator.outputs in scaling:  # its constants are preprocessing
            continue
        for place, index in enumerate(operator.inputs):
            takers[index].append((name_of(operator), place, operator.outputs))
    return [
        _tensor(info, _kind(graph, index, info, takers))
        for index, info in enumerate(graph.tensors)
        if info.constant and info.buffer not in told
    ]


def _kind(
    graph: SubgraphInfo, index: int, info: TensorInfo, takers: dict[int, list[tuple[str, int, tuple[int, ...]]]]
) -> Kind:
    """Return parameter where any operator takes the tensor, or what is made of it, for learned values."""
    pending, seen = [index], {index}
    while pending:
        for name, place, outputs in takers.get(pending.pop(), ()):
            if place == 0 and name in _PASSES:
                pending += [out for out in outputs if out not in seen]
                seen.update(outputs)
            elif _is_learned(name, place, info):
                return "parameter"
    return "state"


def _is_learned(name: str, place: int, info: TensorInfo) -> bool:
    if place in _WEIGHTS.get(name, ()):
        return True
    real = bool(info.scales) or info.dtype.startswith(("float", "bfloat"))
    if name.startswith("CUSTOM"):
        return real and len(info.shape) > 1
    return real and name in _LEARNED_WHERE_REAL and info.elements > 1


def _tensor(info: TensorInfo, kind: Kind) -> Tensor:
    values = info.values()
    if values is None:
        nonzero, distinct = info.elements, info.elements
    else:
        numbers = dequantised(info, values)
        nonzero = int(np.count_nonzero(numbers))
        distinct = int(np.unique(numbers).size)
        if info.sparse and nonzero == numbers.size < info.elements:
            distinct += 1
    return Tensor(
        name=info.name,
        shape=info.shape,
        dtype=info.dtype,
        kind=kind,
        elements=info.elements,
        nonzero=nonzero,
        distinct=distinct,
        bits=len(info.data) * 8 / info.elements if info.sparse and info.elements else float(info.bits),
    )


def dequantised(info: TensorInfo, values: NDArray[np.generic]) -> NDArray[np.floating]:
    """Return (stored - zero point) * scale, by channel where there are several scales; as stored where there are none.

    Sparse and blockwise tensors only lose their zero point: their scales do not lie along the stored values.
    """
    numbers: NDArray[np.floating] = values.astype(np.float64 if values.dtype.itemsize > 2 else np.float32)
    if not info.scales:
        return numbers
    zeros = np.asarray(info.zeros or (0,), np.float32)
    scales = np.asarray(info.scales, np.float32)
    if info.sparse or info.blockwise or scales.size == 1:
        zero = zeros[0]
        return np.asarray((numbers - zero) * (scales[0] if scales.size == 1 else np.float32(1)))
    along = [1] * len(info.shape)
    along[info.axis] = scales.size
    zeros = np.broadcast_to(zeros, (scales.size,)).reshape(along)
    return np.asarray((numbers.reshape(info.shape) - zeros) * scales.reshape(along))
