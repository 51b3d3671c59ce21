"""Multiply-accumulates of ONNX operators, from the shapes of their operands."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import onnx

from vetgate_onnx.graph import STANDARD, Graph, Node
from vetgate_onnx.shape import Shape, Shapes

Count = Callable[[Node, Shapes], "int | None"]
_WEIGHT = {"QLinearConv": 3, "QLinearMatMul": 3, "QGemm": 3}
"""Which input holds the second operand, where it is not input 1."""
_FREE_CONTRIB = frozenset(
    {
        "BiasAdd", "BiasGelu", "BiasSoftmax", "BiasSplitGelu", "DequantizeLinear", "FastGelu", "FusedClip", "Gelu",
        "GroupNorm", "Inverse", "NhwcMaxPool", "QLinearAdd", "QLinearAveragePool", "QLinearConcat",
        "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearMul", "QLinearReduceMean", "QLinearSigmoid",
        "QLinearSoftmax", "QLinearWhere", "QuantizeLinear", "QuickGelu", "SimplifiedLayerNormalization",
        "SkipGroupNorm", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "ReorderInput", "ReorderOutput",
        "Trilu", "Unique", "GridSample", "DynamicQuantizeLinear", "ReduceSumInteger", "Pad", "CropAndResize",
        "EmbedLayerNormalization",
    }
)  # fmt: skip
"""Operators of com.microsoft that multiply no weights."""
_NOT_COUNTED = frozenset({"LinearAttention"})
"""Operators of ONNX that multiply weights in ways not counted here."""


@dataclass(frozen=True)
class Tally:
    """Operators of one type."""

    count: int
    macs: int | None
    """Of one image; None where it could not be told."""
    reason: str
    """Why it could not be told; empty where it could."""


def tally(graph: Graph, shapes: Shapes) -> dict[str, Tally]:
    """Return count and multiply-accumulates of one image by operator type, sorted by type."""
    counts = Counter(node.type for node in graph.nodes)
    total: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for node in graph.nodes:
        macs, reason = count(node, shapes)
        if macs is None:
            reasons.setdefault(node.type, reason)
        else:
            total[node.type] += macs
    for kind in total:
        if total[kind] % shapes.batch:
            reasons.setdefault(kind, f"they do not divide by the fixed batch of {shapes.batch}")
    return {
        kind: Tally(counts[kind], None if kind in reasons else total[kind] // shapes.batch, reasons.get(kind, ""))
        for kind in sorted(counts)
    }


def count(node: Node, shapes: Shapes) -> tuple[int | None, str]:
    """Return the multiply-accumulates of one node for the whole batch, or None and why it cannot be told."""
    rule = _RULES.get(node.proto.op_type) if node.proto.domain in (*STANDARD, "com.microsoft") else None
    if rule is None:
        free = _is_free(node)
        return (0, "") if free else (None, "what it multiplies is not known")
    if node.nested:
        return None, "it stands in the body of a branch or loop"
    macs = rule(node, shapes)
    return macs, "" if macs is not None else f"the shapes at {node.proto.output[0]!r} cannot be inferred"


def multiplies(node: Node) -> bool:
    """Return whether operators of this type hold multiply-accumulates that are counted."""
    return node.proto.op_type in _RULES and node.proto.domain in (*STANDARD, "com.microsoft")


def weight_index(node: Node) -> int:
    """Return which input is the second operand of a node that multiplies."""
    return _WEIGHT.get(node.proto.op_type, 1)


def _is_free(node: Node) -> bool:
    kind, domain = node.proto.op_type, node.proto.domain
    if domain in STANDARD:
        return kind not in _NOT_COUNTED and onnx.defs.has(kind, "")
    return domain == "com.microsoft" and kind in _FREE_CONTRIB


def _shapes_of(node: Node, shapes: Shapes) -> tuple[Shape | None, Shape | None, Shape | None]:
    """Return the shapes of first operand, second operand and output."""
    return shapes.get(node.input(0)), shapes.get(node.input(weight_index(node))), shapes.get(node.proto.output[0])


def _convolution(node: Node, shapes: Shapes) -> int | None:
    _, weight, out = _shapes_of(node, shapes)
    return None if weight is None or out is None else math.prod(out) * math.prod(weight[1:])


def _transposed_convolution(node: Node, shapes: Shapes) -> int | None:
    given, weight, _ = _shapes_of(node, shapes)
    return None if given is None or weight is None else math.prod(given) * math.prod(weight[1:])


def _product(node: Node, shapes: Shapes) -> int | None:
    given, _, out = _shapes_of(node, shapes)
    if not given or out is None:
        return None
    transposed = node.attribute("transA") and len(given) > 1
    return math.prod(out) * given[-2 if transposed else -1]


def _packed_product(node: Node, shapes: Shapes) -> int | None:
    out, inner = shapes.get(node.proto.output[0]), node.attribute("K")
    return None if out is None or not inner else math.prod(out) * inner


def _einsum(node: Node, shapes: Shapes) -> int | None:
    equation = next(
        (entry.s.decode(errors="replace") for entry in node.proto.attribute if entry.name == "equation"), ""
    )
    terms = equation.replace(" ", "").split("->")[0].split(",")
    operands = [shapes.get(name) for name in node.proto.input]
    if len(terms) != len(operands) or len(terms) > 2 or "." in equation:
        return None
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, operands, strict=True):
        if shape is None or len(shape) != len(term):
            return None
        lengths.update(zip(term, shape, strict=True))
    return math.prod(lengths.values()) if len(terms) == 2 else 0


def _attention(node: Node, shapes: Shapes) -> int | None:
    """Count query by key and weight by value; a key-value cache is not counted."""
    query, key, value = (shapes.get(node.input(index)) for index in range(3))
    if query is None or key is None or value is None or node.input(4) or node.proto.domain not in STANDARD:
        return None
    if len(query) == 4:
        batch, heads, rows, depth = query
        return batch * heads * rows * key[2] * (depth + value[3])
    heads, groups = node.attribute("q_num_heads"), node.attribute("kv_num_heads")
    if len(query) != 3 or not heads or not groups:
        return None
    return query[0] * query[1] * key[1] * (query[2] + heads * (value[2] // groups))


def _fused_attention(node: Node, shapes: Shapes) -> int | None:
    """Count MultiHeadAttention of com.microsoft on (batch, length, width): as Attention; a cache is not counted."""
    query, key, value = (shapes.get(node.input(index)) for index in range(3))
    if query is None or key is None or value is None or node.input(6) or not len(query) == len(key) == len(value) == 3:
        return None
    return query[0] * query[1] * key[1] * (query[2] + value[2])


def _projecting_attention(node: Node, shapes: Shapes) -> int | None:
    """Count Attention of com.microsoft: query, key and value made by one product, then as Attention."""
    given, weight = shapes.get(node.input(0)), shapes.get(node.input(1))
    sizes = next((list(entry.ints) for entry in node.proto.attribute if entry.name == "qkv_hidden_sizes"), [])
    if given is None or weight is None or len(given) != 3 or len(weight) != 2 or node.input(4):
        return None
    query, value = (sizes[0], sizes[2]) if len(sizes) == 3 else (weight[1] // 3, weight[1] // 3)
    rows = given[0] * given[1]
    return rows * given[2] * weight[1] + rows * given[1] * (query + value)


def _any_attention(node: Node, shapes: Shapes) -> int | None:
    return (_attention if node.proto.domain in STANDARD else _projecting_attention)(node, shapes)


def _recurrent(node: Node, shapes: Shapes) -> int | None:
    """Count every step's products of what is given and of the state, for each gate and direction."""
    given, hidden = shapes.get(node.input(0)), node.attribute("hidden_size")
    if given is None or len(given) != 3 or not hidden or node.input(4):  # sequences that end early
        return None
    way = next((entry.s for entry in node.proto.attribute if entry.name == "direction"), b"forward")
    gates = _GATES[node.proto.op_type] * (2 if way == b"bidirectional" else 1)
    return given[0] * given[1] * gates * hidden * (given[2] + hidden)


_GATES = {"LSTM": 4, "DynamicQuantizeLSTM": 4, "GRU": 3, "RNN": 1}
RECURRENT = frozenset(_GATES)
"""Operators that go through a sequence step by step."""
_RULES: dict[str, Count] = {
    **dict.fromkeys(
        ("Conv", "FusedConv", "NhwcFusedConv", "NhwcConv", "ConvInteger", "QLinearConv", "DeformConv"), _convolution
    ),
    **dict.fromkeys(("ConvTranspose", "ConvTransposeWithDynamicPads"), _transposed_convolution),
    **dict.fromkeys(
        (
            "Gemm", "FusedGemm", "GemmFastGelu", "GemmFloat8", "QGemm", "MatMul", "MatMulInteger", "MatMulInteger16",
            "QLinearMatMul", "FusedMatMul", "FusedMatMulActivation", "TransposeMatMul", "DynamicQuantizeMatMul",
            "MatMulIntegerToFloat",
        ),
        _product,
    ),
    **dict.fromkeys(("MatMulNBits", "MatMulBnb4"), _packed_product),
    "Einsum": _einsum,
    "Attention": _any_attention,
    "MultiHeadAttention": _fused_attention,
    **dict.fromkeys(_GATES, _recurrent),
}  # fmt: skip
