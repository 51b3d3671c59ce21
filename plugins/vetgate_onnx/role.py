"""What each stored tensor is to the model: learned values, norm scale and shift, or state; told by who takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onnx import TensorProto

from vetgate_onnx.graph import MOVES, STANDARD, Graph, Node

Kind = Literal["parameter", "normalisation", "state"]
_RANK: dict[Kind, int] = {"state": 0, "normalisation": 1, "parameter": 2}
_FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16})
_PASSES = MOVES | {"Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "Split", "Slice", "Pad", "Clip"}
"""Operators through which a weight stays a weight."""
_ROLES: dict[str, dict[int, Kind]] = {
    **dict.fromkeys(("Conv", "FusedConv", "NhwcFusedConv", "NhwcConv", "ConvTranspose"), {1: "parameter", 2: "parameter"}),
    "DeformConv": {1: "parameter", 3: "parameter"},
    **dict.fromkeys(
        ("Gemm", "FusedGemm", "GemmFastGelu", "FusedMatMulActivation"),
        {0: "parameter", 1: "parameter", 2: "parameter"},
    ),
    **dict.fromkeys(("MatMul", "FusedMatMul", "TransposeMatMul"), {0: "parameter", 1: "parameter"}),
    **dict.fromkeys(("MatMulInteger", "MatMulInteger16"), {0: "parameter", 1: "parameter"}),
    "ConvInteger": {1: "parameter"},
    "QLinearConv": {3: "parameter", 8: "parameter"},
    "QLinearMatMul": {0: "parameter", 3: "parameter"},
    "QGemm": {0: "parameter", 3: "parameter", 6: "parameter"},
    **dict.fromkeys(("QLinearAdd", "QLinearMul"), {0: "parameter", 3: "parameter"}),
    "DynamicQuantizeMatMul": {1: "parameter", 4: "parameter"},
    "MatMulIntegerToFloat": {1: "parameter", 6: "parameter"},
    **dict.fromkeys(("MatMulNBits", "MatMulBnb4"), {1: "parameter", 5: "parameter"}),
    "BatchNormalization": {1: "normalisation", 2: "normalisation"},
    **dict.fromkeys(
        (
            "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization", "GroupNorm",
            "SimplifiedLayerNormalization",
        ),
        {1: "normalisation", 2: "normalisation"},
    ),
    "SkipLayerNormalization": {2: "normalisation", 3: "normalisation", 4: "parameter"},
    "SkipSimplifiedLayerNormalization": {2: "normalisation", 3: "parameter"},
    "SkipGroupNorm": {1: "normalisation", 2: "normalisation", 4: "parameter"},
    **dict.fromkeys(("LSTM", "GRU", "RNN"), {1: "parameter", 2: "parameter", 3: "parameter", 7: "parameter"}),
    **dict.fromkeys(("PRelu", "BiasAdd", "BiasGelu", "FastGelu", "BiasSplitGelu"), {1: "parameter"}),
    "Gather": {0: "parameter"},
    "MultiHeadAttention": {3: "parameter"},
}  # fmt: skip
"""Roles by operator and input; an input that is not listed takes state."""
_LEARNED_WHERE_FLOAT = frozenset({"Add", "Sub", "Mul", "Einsum", "Concat", "Expand", "Tile", "Where", "Attention"})
"""Operators whose floating-point constants, but for single numbers, are taken for learned: biases that stand apart, layer
scales, position embeddings, class tokens."""


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
        return "parameter" if floating and (tensor is None or len(tensor.dims) > 0) else "state"
    if operator == "Gather" and not floating:
        return "state"
    if node.proto.domain == "com.microsoft" and operator not in _ROLES:
        return "parameter" if floating and tensor is not None and len(tensor.dims) > 1 else "state"
    return _ROLES.get(operator, {}).get(index, "state")
