"""An ONNX model as a graph of nodes and constants; external weights stay on disk until they are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import Message
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto, numpy_helper

from vetgate.api import UnreadableArtifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOVES = frozenset({"Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"})
"""Operators that pass on their first input's values as they are."""
STANDARD = ("", "ai.onnx")


@dataclass(frozen=True)
class Node:
    """A node and where it stands."""

    proto: NodeProto
    nested: bool
    """Whether it stands in the body of another operator, such as If or Loop."""

    @property
    def type(self) -> str:
        """Operator type, with its domain where that is not ONNX's own."""
        domain = self.proto.domain
        return self.proto.op_type if domain in STANDARD else f"{domain}.{self.proto.op_type}"

    def attribute(self, name: str, default: int = 0) -> int:
        """Return an integer attribute."""
        return next((int(entry.i) for entry in self.proto.attribute if entry.name == name), default)

    def input(self, index: int) -> str:
        """Return the name of an input; empty where it is left out."""
        return str(self.proto.input[index]) if index < len(self.proto.input) else ""


@dataclass
class Graph:
    """A loaded model. Names are those of the file."""

    model: ModelProto
    folder: Path
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, TensorProto] = field(default_factory=dict)
    """Dense initialisers and tensors of Constant nodes, by name."""
    sparse: dict[str, SparseTensorProto] = field(default_factory=dict)
    producers: dict[str, Node] = field(default_factory=dict)
    consumers: dict[str, list[tuple[Node, int]]] = field(default_factory=lambda: defaultdict(list))
    """Who takes a value, and as which input."""

    def array(self, name: str) -> NDArray[np.generic] | None:
        """Return a constant's values as stored, or None where the name is no dense constant.

        Raises:
            UnreadableArtifact: Its bytes do not fit its shape.
        """
        tensor = self.constants.get(name)
        if tensor is None:
            return None
        try:
            values: NDArray[np.generic] = numpy_helper.to_array(tensor, base_dir=str(self.folder))
        except Exception as error:  # numpy, protobuf and onnx each raise their own
            reason = first_sentence(error)
            raise UnreadableArtifact(f"its tensor {name!r} cannot be read: {reason}") from None
        return values

    def inputs(self) -> list[onnx.ValueInfoProto]:
        """Return the inputs that are no initialisers."""
        return [port for port in self.model.graph.input if port.name not in self.constants]


def first_sentence(error: BaseException) -> str:
    """Return what an exception says, on one line and not too long."""
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:197]}..."


def load(path: Path) -> Graph:
    """Parse a model; external data is left where it is, and model-local functions are written out.

    Raises:
        UnreadableArtifact: The file is truncated or damaged.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
        if model.functions:
            from onnx import inliner

            model = inliner.inline_local_functions(model)
    except Exception as error:  # protobuf's DecodeError has several homes, the inliner raises RuntimeError
        raise UnreadableArtifact(
            f"onnx cannot parse it: {first_sentence(error)}", hint="export, convert or copy it again"
        ) from None
    _require_text(model)
    graph = Graph(model, path.parent)
    _collect(graph, model.graph, nested=False)
    return graph


def _require_text(message: Message) -> None:
    """Refuse names that are no text: protobuf hands them over as bytes, which nothing that follows expects."""
    for found, value in message.ListFields():
        if found.type not in (found.TYPE_STRING, found.TYPE_MESSAGE):
            continue
        single = isinstance(value, str | bytes | Message)
        for entry in (value,) if single else value:
            if isinstance(entry, Message):
                _require_text(entry)
            elif not isinstance(entry, str):
                raise UnreadableArtifact(
                    f"its {found.name} {entry[:40]!r} is no UTF-8 text", hint="export, convert or copy it again"
                )


def _collect(graph: Graph, proto: GraphProto, nested: bool) -> None:
    for tensor in proto.initializer:
        graph.constants[tensor.name] = tensor
    for sparse in proto.sparse_initializer:
        graph.sparse[sparse.values.name] = sparse
    for node_proto in proto.node:
        node = Node(node_proto, nested)
        graph.nodes.append(node)
        for name in node_proto.output:
            graph.producers[name] = node
        for index, name in enumerate(node_proto.input):
            graph.consumers[name].append((node, index))
        if node_proto.op_type == "Constant":
            _collect_constant(graph, node_proto)
        for body in bodies(node_proto):
            _collect(graph, body, nested=True)


def _collect_constant(graph: Graph, node: NodeProto) -> None:
    for entry in node.attribute:
        if entry.name == "value":
            graph.constants[node.output[0]] = entry.t
        elif entry.name == "sparse_value":
            graph.sparse[node.output[0]] = entry.sparse_tensor
        elif entry.name in ("value_float", "value_floats", "value_int", "value_ints"):
            values = onnx.helper.get_attribute_value(entry)
            kind = TensorProto.FLOAT if "float" in entry.name else TensorProto.INT64
            many = entry.name.endswith("s")
            dims = [len(values)] if many else []
            graph.constants[node.output[0]] = onnx.helper.make_tensor(
                node.output[0], kind, dims, values if many else [values]
            )


def bodies(node: NodeProto) -> Iterator[GraphProto]:
    """Yield the graphs inside a node."""
    for entry in node.attribute:
        if entry.type == AttributeProto.GRAPH:
            yield entry.g
        elif entry.type == AttributeProto.GRAPHS:
            yield from entry.graphs
