"""What each stored tensor is to the model: learned values, norm scale and shift, or state; told by who takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from onnx import TensorProto

from vetgate_onnx.graph import MOVES, STANDARD, Graph, Node
from vetgate_onnx.preprocess import scales_input

Kind = Literal["parameter", "normalisation", "state"]
_RANK: dict[Kind, int] = {"state": 0, "normalisation": 1, "parameter": 2}
_FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16})
_PASSES = MOVES | {"Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "Split", "Slice", "Pad", "Clip"}
"""Operators through which a weight stays a weight."""
_LEARNED: dict[tuple[str, ...], tuple[int, ...]] = {
    ("Conv", "FusedConv", "NhwcFusedConv", "NhwcConv", "ConvTranspose"): (1, 2),
    ("DeformConv",): (1, 3),
    ("Gemm", "FusedGemm", "GemmFastGelu", "FusedMatMulActivation"): (0, 1, 2),
    ("MatMul", "FusedMatMul", "TransposeMatMul", "MatMulInteger", "MatMulInteger16"): (0, 1),
    ("ConvInteger", "PRelu", "BiasAdd", "BiasGelu", "FastGelu", "BiasSplitGelu"): (1,),
    ("QLinearConv",): (3, 8),
    ("QLinearMatMul", "QLinearAdd", "QLinearMul"): (0, 3),
    ("QGemm",): (0, 3, 6),
    ("DynamicQuantizeMatMul", "SkipGroupNorm"): (1, 4),
    ("MatMulIntegerToFloat",): (1, 6),
    ("MatMulNBits", "MatMulBnb4"): (1, 5),
    ("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"): (1, 2, 3, 7),
    ("SkipLayerNormalization",): (4,),
    ("SkipSimplifiedLayerNormalization", "MultiHeadAttention"): (3,),
    ("Gather",): (0,),
}
_NORM: dict[tuple[str, ...], tuple[int, ...]] = {
    ("BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization"): (1, 2),
    ("RMSNormalization", "GroupNorm", "SimplifiedLayerNormalization", "SkipGroupNorm"): (1, 2),
    ("SkipLayerNormalization",): (2, 3),
    ("SkipSimplifiedLayerNormalization",): (2,),
}
_ROLES: dict[tuple[str, int], Kind] = {
    **{(name, index): "parameter" for names, places in _LEARNED.items() for name in names for index in places},
    **{(name, index): "normalisation" for names, places in _NORM.items() for name in names for index in places},
}
"""Roles by operator and input; an input that is not listed takes state."""
_KNOWN = frozenset(name for name, _ in _ROLES)
_LEARNED_WHERE_FLOAT = frozenset({"Add", "Sub", "Mul", "Einsum", "Concat", "Expand", "Tile", "Where", "Attention"})
"""Operators whose floating-point constants, but for single numbers, are taken for learned: biases that stand apart,
layer scales, position embeddings, class tokens."""


@dataclass(frozen=True)
class Use:
    """How a tensor is taken."""

    kind: Kind
    node: Node | None = None
    """The operator that takes it so."""
    index: int = 0
    """As which input of that operator."""
    dequantised: Node | None = None
    """The DequantizeLinear that it goes through first."""


def use_of(graph: Graph, name: str) -> Use:
    """Return the most telling use of a stored tensor: as parameter, else as normalisation, else as state."""
    best = Use("state")
    seen: set[str] = set()
    pending: list[tuple[str, Node | None]] = [(name, None)]
    while pending:
        value, dequantised = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        for node, index in graph.consumers.get(value, ()):
            if index == 0 and node.proto.op_type in _PASSES and node.proto.domain in (*STANDARD, "com.microsoft"):
                here = node if node.proto.op_type == "DequantizeLinear" else None
                pending += [(output, dequantised or here) for output in node.proto.output if output]
                continue
            use = Use(_kind(graph, name, node, index, dequantised is not None), node, index, dequantised)
            if _RANK[use.kind] > _RANK[best.kind]:
                best = use
    return best


def _kind(graph: Graph, name: str, node: Node, index: int, dequantised: bool) -> Kind:
    """Return what one operator takes the tensor `name` for."""
    operator = node.proto.op_type
    tensor = graph.constants.get(name)
    floating = dequantised or tensor is None or tensor.data_type in _FLOATS
    if node.proto.domain not in (*STANDARD, "com.microsoft"):
        return "parameter" if tensor is None or len(tensor.dims) > 1 else "state"
    if operator in _LEARNED_WHERE_FLOAT:
        learned = floating and (tensor is None or math.prod(tensor.dims) > 1) and not scales_input(graph, node)
        return "parameter" if learned else "state"
    if operator == "Gather" and not floating:
        return "state"
    if node.proto.domain == "com.microsoft" and operator not in _KNOWN:
        return "parameter" if floating and tensor is not None and len(tensor.dims) > 1 else "state"
    return _ROLES.get((operator, index), "state")
