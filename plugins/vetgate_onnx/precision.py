"""The precision of most of a model's arithmetic."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from onnx import TensorProto

from vetgate.api import Card
from vetgate_onnx.graph import STANDARD, Graph, Node, load
from vetgate_onnx.macs import count, multiplies, weight_index
from vetgate_onnx.shape import Shapes, infer

_INTEGER = frozenset(
    {
        "QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger", "MatMulInteger16", "QGemm",
        "DynamicQuantizeMatMul", "MatMulIntegerToFloat",
    }
)  # fmt: skip
_NAMES: dict[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.FLOAT16: "float16",
    TensorProto.BFLOAT16: "bfloat16",
    TensorProto.DOUBLE: "float64",
}


def told_precision(path: Path, card: Card) -> tuple[str, tuple[str, ...]]:
    """Return the precision that holds most multiply-accumulates, and notes on what the runtime makes of it.

    Raises:
        UnreadableArtifact: The file cannot be parsed.
    """
    graph = load(path)
    shapes = infer(graph, card)
    weighed: Counter[str] = Counter()
    for node in graph.nodes:
        if multiplies(node):
            macs, _ = count(node, shapes)
            weighed[_precision(node, graph, shapes)] += macs if macs else 1
    if not weighed:
        return "unknown", ()
    precision = weighed.most_common(1)[0][0]
    notes = ("float16 operators without a float16 kernel on this CPU compute in float32",)
    return precision, notes if precision == "float16" else ()


def _precision(node: Node, graph: Graph, shapes: Shapes) -> str:
    if node.proto.op_type in _INTEGER:
        return "int8"
    if all(_is_dequantised(graph, node.input(index)) for index in (0, weight_index(node))):
        return "int8"
    stored = graph.constants.get(node.input(1))
    kind: int = stored.data_type if stored is not None else shapes.types.get(node.proto.output[0], 0)
    return _NAMES.get(kind, "float32" if node.proto.domain not in STANDARD else "unknown")


def _is_dequantised(graph: Graph, name: str) -> bool:
    producer = graph.producers.get(name)
    while producer is not None and producer.proto.op_type in ("Transpose", "Reshape", "Identity"):
        producer = graph.producers.get(producer.input(0))
    return producer is not None and producer.proto.op_type == "DequantizeLinear"
