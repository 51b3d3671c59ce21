"""Walks the graphs of an ONNX file: which operators, which constants, which loops, and what calls what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from vetgate_scan import onnx_rules as rule
from vetgate_scan.found import Found, quoted
from vetgate_scan.onnx_loop import Body, look_at_loop
from vetgate_scan.onnx_message import Message, Reader, Span, one
from vetgate_scan.onnx_operator import look_at_operator
from vetgate_scan.onnx_schema import Kind
from vetgate_scan.onnx_size import (
    MOST_ELEMENTS,
    MOST_GROWTH,
    MOST_STEP,
    Attribute,
    Node,
    Scope,
    fold,
    grown,
    longest_step,
    requested,
)
from vetgate_scan.onnx_tensor import Tensors
from vetgate_scan.wire import signed

Callee: TypeAlias = tuple[bytes, bytes, bytes]
"""Domain, name and overload of a function of the model."""
DEEPEST_GRAPH = 16
MOST_GRAPHS = 10_000
_LARGE_ATTRIBUTE = 1 << 12


@dataclass
class Owner:
    """What was counted in one function, or in the graphs of the model."""

    nodes: int = 0
    calls: Counter[Callee] = field(default_factory=Counter)


class Graphs:
    """Walks graphs.

    Args:
        reader: Reads the file's messages.
        tensors: Looks at its tensors.
        functions: Those that the model defines.
    """

    def __init__(self, reader: Reader, tensors: Tensors, functions: frozenset[Callee]) -> None:
        self._reader, self._tensors, self._functions = reader, tensors, functions
        self._graphs = 0

    @property
    def _found(self) -> Found:
        return self._reader.found

    def look_at(self, span: Span, owner: Owner, around: Scope | None = None, depth: int = 0, runs: float = 1.0) -> Body:
        """Look at a graph and at all graphs in it.

        Args:
            span: Where it is.
            owner: Where its nodes and calls are counted.
            around: What is known of the graph around it.
            depth: Graphs around it.
            runs: How often it runs by the constant counts of the loops around it.
        """
        self._graphs += 1
        if depth > DEEPEST_GRAPH or self._graphs > MOST_GRAPHS:
            self._found.add(rule.NESTED, f"graphs are nested {depth} deep, or are more than {MOST_GRAPHS:,}")
            return Body((), (), {}, {})
        message = self._reader.read(Kind.GRAPH, span)
        scope = Scope(around)
        for tensor in message.get(5, ()):
            name, values = self._tensors.look_at(tensor)
            if values is not None:
                scope.constants[name] = values
        for sparse in message.get(15, ()):
            self._tensors.look_at_sparse(sparse)
        made = self.look_at_nodes(message.get(1, ()), owner, scope, depth, runs)
        for number, kind in ((13, Kind.VALUE), (14, Kind.ANNOTATION), (16, Kind.ENTRY)):
            for inner in message.get(number, ()):
                self._reader.walk(kind, inner)
        return Body(self._names(message, 11), self._names(message, 12), scope.constants, made)

    def look_at_nodes(
        self, spans: Sequence[Span], owner: Owner, scope: Scope, depth: int, runs: float
    ) -> dict[bytes, bytes]:
        """Look at nodes in their order; return for each Identity what it passes on."""
        same: dict[bytes, bytes] = {}
        for span in spans:
            node = self._node(span)
            owner.nodes += 1
            callee = (node.domain, node.op, node.overload)
            if callee in self._functions:
                owner.calls[callee] += 1
            else:
                look_at_operator(node, self._found)
            self._look_at_sizes(node, scope)
            self._look_at_inner(node, owner, scope, depth, runs)
            if node.op == b"Identity" and node.inputs and node.outputs:
                same[node.outputs[0]] = node.inputs[0]
        return same

    def look_at_attribute(self, span: Span, owner: Owner) -> None:
        """Look at an attribute that stands alone, as the default of a function's."""
        for graph in self._attribute(span)[1].graphs:
            self.look_at(graph, owner, Scope(), 1)

    def _look_at_sizes(self, node: Node, scope: Scope) -> None:
        elements = requested(node, scope)
        if elements > MOST_ELEMENTS:
            self._found.add(rule.GIANT, f"it makes {elements:.3g} elements by constants alone", node.where)
        if grown(node, scope) > MOST_GROWTH:
            self._found.add(rule.GIANT, "it ends a row of operators that only repeat their input", node.where)
        if longest_step(node) > MOST_STEP:
            self._found.add(rule.GIANT, f"a stride, pad or kernel is {longest_step(node):,}", node.where)
        values = fold(node, scope)
        if values is not None and node.outputs:
            scope.constants[node.outputs[0]] = values

    def _look_at_inner(self, node: Node, owner: Owner, scope: Scope, depth: int, runs: float) -> None:
        """Look at the graphs in a node's attributes, and at what a loop says of how often they run."""
        count = 1.0
        if node.op == b"Loop":
            trips = scope.of(node, 0)
            count = max(1.0, trips[0]) if trips else 1.0
        for attribute in node.attributes.values():
            for graph in attribute.graphs:
                body = self.look_at(graph, owner, scope, depth + 1, runs * count)
                if node.op == b"Loop":
                    look_at_loop(node, scope, body, runs, self._found)

    def _names(self, message: Message, number: int) -> tuple[bytes, ...]:
        """Return the names of a graph's inputs or outputs, their types walked."""
        names = []
        for span in message.get(number, ()):
            value = self._reader.read(Kind.VALUE, span)
            names.append(self._reader.text(value, 1))
            for inner in value.get(2, ()):
                self._reader.walk(Kind.TYPE, inner)
        return tuple(names)

    def _node(self, span: Span) -> Node:
        reader = self._reader
        message = reader.read(Kind.NODE, span)
        attributes = dict(self._attribute(inner) for inner in message.get(5, ()))
        for number, kind in ((9, Kind.ENTRY), (10, Kind.NODE_DEVICE)):
            for inner in message.get(number, ()):
                reader.walk(kind, inner)
        op, domain = reader.text(message, 4), reader.text(message, 7)
        name = reader.text(message, 3)
        return Node(
            op=op,
            domain=b"" if domain == b"ai.onnx" else domain,
            overload=reader.text(message, 8),
            inputs=reader.texts(message, 1),
            outputs=reader.texts(message, 2),
            attributes=attributes,
            where=f"{op[:60].decode(errors='replace')} {quoted(name)}" if name else f"node at byte {span[0]:,}",
        )

    def _attribute(self, span: Span) -> tuple[bytes, Attribute]:
        reader = self._reader
        message = reader.read(Kind.ATTRIBUTE, span)
        values = None
        for number in (5, 10):
            for tensor in message.get(number, ()):
                _, values = self._tensors.look_at(tensor)
        for number in (22, 23):
            for sparse in message.get(number, ()):
                self._tensors.look_at_sparse(sparse)
        for number in (14, 15):
            for inner in message.get(number, ()):
                reader.walk(Kind.TYPE, inner)
        read = Attribute(
            number=signed(one(message, 3)) if 3 in message else None,
            numbers=tuple(signed(value) for value in reader.numbers(message, 8, _LARGE_ATTRIBUTE)),
            values=values,
            text=reader.text(message, 4)[:_LARGE_ATTRIBUTE],
            graphs=(*message.get(6, ()), *message.get(11, ())),
        )
        return reader.text(message, 1), read
