"""The precision of most of a model's arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from onnx import TensorProto

from vetgate.api import Card
from vetgate_onnx.graph import STANDARD, Graph, Node, load
from vetgate_onnx.macs import count, multiplies, weight_index
from vetgate_onnx.shape import Shapes, infer
from vetgate_onnx.weight import PACKED

_INTEGER = frozenset(
    {
        "QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger", "MatMulInteger16", "QGemm",
        "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "DynamicQuantizeLSTM",
    }
)  # fmt: skip
_LEAST_BLOCK = 16
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
    widened: set[str] = set()
    rounded = False
    for node in graph.nodes:
        if multiplies(node):
            macs, _ = count(node, shapes)
            precision = _precision(node, graph, shapes)
            weighed[precision] += macs if macs else 1
            stored = _stored(graph, node.input(weight_index(node)))
            if stored and not _is_integer(precision):
                widened.add(stored)
            rounded = rounded or _rounds(node, graph)
    if not weighed:
        return "unknown", ()
    precision = weighed.most_common(1)[0][0]
    return precision, tuple(_notes(precision, widened, rounded=rounded))


def _notes(precision: str, widened: set[str], *, rounded: bool) -> Iterator[str]:
    if rounded:
        yield (
            "onnxruntime rounds activations to int8 where it multiplies them by weights of 4 or 8 bits (MatMulNBits at "
            "accuracy level 4, its default)"
        )
    if precision == "float16":
        yield "float16 operators without a float16 kernel on this CPU compute in float32"
    if precision.startswith("int16"):
        yield "onnxruntime has no kernels for 16-bit activations: it rounds to them and computes in float32"
    if widened:
        yield f"weights stored as {', '.join(sorted(widened))} are widened before they are multiplied"


def _is_integer(precision: str) -> bool:
    return precision.startswith("int")


def _precision(node: Node, graph: Graph, shapes: Shapes) -> str:
    if node.proto.op_type in _INTEGER:
        return "int8"
    given, weight = (_stored(graph, node.input(index)) for index in (0, weight_index(node)))
    if given and weight:
        given, weight = given.removeprefix("u"), weight.removeprefix("u")
        return given if given == weight else f"{given} by {weight}"
    if _rounds(node, graph):
        return f"int8 by {weight.removeprefix('u')}".removesuffix(" by int8")
    stored = graph.constants.get(node.input(1))
    kind: int = stored.data_type if stored is not None else shapes.types.get(node.proto.output[0], 0)
    return _NAMES.get(kind, "float32" if node.proto.domain not in STANDARD else "unknown")


def _rounds(node: Node, graph: Graph) -> bool:
    """Return whether ONNX Runtime makes MatMulNBits of a product, and rounds what it is given to int8.

    It does so for a weight of 4 or 8 bits behind DequantizeLinear, by tensor, column or blocks of 16 and more, where
    the other operand is a floating-point number: measured with 1.31.
    """
    producer = graph.producers.get(node.input(1))
    if node.proto.op_type not in ("MatMul", "Gemm") or producer is None or _stored(graph, node.input(0)):
        return False
    kind = _stored(graph, node.input(1)) if producer.proto.op_type == "DequantizeLinear" else ""
    block = producer.attribute("block_size")
    return kind in ("int4", "uint4", "int8", "uint8") and (not block or block >= _LEAST_BLOCK)


def _stored(graph: Graph, name: str) -> str:
    """Return the integer type that a value is de-quantised from; empty where it is not."""
    taker = next((node for node, index in graph.consumers.get(name, ()) if (node.proto.op_type, index) == PACKED), None)
    if taker is not None:
        return f"int{taker.attribute('bits', 4)}"
    producer = graph.producers.get(name)
    while producer is not None and producer.proto.op_type in ("Transpose", "Reshape", "Identity"):
        producer = graph.producers.get(producer.input(0))
    if producer is None or producer.proto.op_type != "DequantizeLinear":
        return ""
    kind = next((tensor.data_type for part in (0, 2) if (tensor := graph.constants.get(producer.input(part)))), 0)
    return TensorProto.DataType.Name(kind).lower() if kind else "int8"
