"""The graphs of a TFLite file: tensors that fit their buffers, operators that name tensors, calls that end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vetgate_scan import tflite_rules as rule
from vetgate_scan.flat import FlatTable
from vetgate_scan.found import Found, quoted
from vetgate_scan.tflite_operator import Call, Code, calls, look_at_options

_BITS = {
    0: 32, 1: 16, 2: 32, 3: 8, 4: 64, 5: 0, 6: 8, 7: 16, 8: 64, 9: 8, 10: 64, 11: 128, 12: 64, 13: 0, 14: 0, 15: 32,
    16: 16, 17: 4, 18: 16, 19: 2, 20: 4, 21: 8, 22: 8,
}  # fmt: skip
"""TensorType to storage bits of an element; 0 where there is no fixed size."""
_MOST_BITS = 8 << 31
"""Of one tensor: 2 GiB, the most that the interpreter's own sizes hold."""
_MOST_AXES = 16


@dataclass
class Graph:
    """What is kept of one graph."""

    calls: list[Call] = field(default_factory=list)
    constant_outputs: tuple[bytes, ...] = ()
    """First bytes of outputs that are constants."""
    operators: int = 0


@dataclass(frozen=True)
class _Tensor:
    constant: bool
    first: bytes


def look_at_graph(table: FlatTable, codes: Sequence[Code], buffers: Sequence[tuple[int, int]], found: Found) -> Graph:
    """Look at one graph.

    Args:
        table: Where it is.
        codes: Operator codes of the file.
        buffers: Start and length of each buffer.
        found: Where findings go.
    """
    graph = Graph()
    tensors = [_tensor(entry, buffers, found) for entry in table.tables(0)]
    table.text(4)
    for operator in table.tables(3):
        graph.operators += 1
        _look_at_operator(operator, graph.operators - 1, codes, tensors, found)
        graph.calls += calls(operator)
    outputs = table.numbers(2, "i")
    for index in (*table.numbers(1, "i"), *outputs):
        if not 0 <= index < len(tensors):
            found.add(rule.INDEX, f"tensor {index} of {len(tensors)} is an input or output of the graph")
    graph.constant_outputs = tuple(
        tensors[index].first for index in outputs if 0 <= index < len(tensors) and tensors[index].constant
    )
    return graph


def _look_at_operator(
    operator: FlatTable, number: int, codes: Sequence[Code], tensors: Sequence[_Tensor], found: Found
) -> None:
    code = operator.number(0, "I")
    where = f"operator {number}"
    if code >= len(codes):
        found.add(rule.DAMAGED, f"it is of operator code {code:,} of {len(codes):,}", where)
        return
    inputs, outputs = operator.numbers(1, "i"), operator.numbers(2, "i")
    for index in (*inputs, *outputs, *operator.numbers(8, "i")):
        if not -1 <= index < len(tensors):
            found.add(rule.INDEX, f"it names tensor {index:,} of {len(tensors):,}", where)
    written = {index for index in outputs if 0 <= index < len(tensors)}
    if written & set(inputs) or any(tensors[index].constant for index in written):
        found.add(rule.INDEX, "it writes to a tensor that it reads, or to a constant", where)
    operator.vector(5, 1)
    operator.vector(7, 1)
    offset, size = operator.number(9, "Q"), operator.number(10, "Q")
    if offset > 1:
        operator.flat.require(offset, size)
    look_at_options(operator, where, found)


def _tensor(table: FlatTable, buffers: Sequence[tuple[int, int]], found: Found) -> _Tensor:
    name, kind, index = table.text(3), table.number(1, "b"), table.number(2, "I")
    shape, where = table.numbers(0, "i"), f"tensor {quoted(name)}"
    if index >= len(buffers) or kind not in _BITS:
        told = f"it is in buffer {index:,} of {len(buffers):,}" if kind in _BITS else f"it is of type {kind}"
        found.add(rule.DAMAGED, told, where)
        return _Tensor(constant=False, first=b"")
    if table.number(10, "I"):
        found.add(rule.BUFFER, "its bytes are in an external buffer", where)
    start, length = buffers[index] if index else (0, 0)
    sparse = _look_at_sparsity(table)
    _look_at_shape(shape, table.numbers(7, "i"), _BITS[kind], None if sparse or not length else length, where, found)
    _look_at_scales(table, shape, where, found)
    constant = length > 0 and not table.number(5, "B")
    return _Tensor(constant, table.flat.data[start : start + 1] if constant else b"")


def _look_at_shape(
    shape: Sequence[int], signature: Sequence[int], bits: int, length: int | None, where: str, found: Found
) -> None:
    size = bits
    for axis in shape[:_MOST_AXES]:
        size *= axis
    shown = list(shape[:8])
    if len(shape) > _MOST_AXES or min(shape, default=0) < 0 or min(signature, default=0) < -1:
        found.add(rule.TENSOR, f"its shape {shown} is that of no tensor", where)
    elif signature and len(signature) != len(shape):
        found.add(rule.TENSOR, f"its shape has {len(shape)} axes and its signature {len(signature)}", where)
    elif size > _MOST_BITS:
        found.add(rule.GIANT, f"its shape {shown} asks for {size / 8:.3g} bytes", where)
    elif length is not None and bits and length != (size + 7) // 8:
        found.add(rule.TENSOR, f"its shape {shown} needs {(size + 7) // 8:,} bytes, its buffer has {length:,}", where)


def _look_at_scales(table: FlatTable, shape: Sequence[int], where: str, found: Found) -> None:
    quantised = table.table(4)
    if quantised is None:
        return
    for number in (0, 1):
        quantised.vector(number, 4)
    _, scales = quantised.vector(2, 4)
    _, zeros = quantised.vector(3, 8)
    axis = quantised.number(6, "i")
    if quantised.number(4, "B"):
        quantised.table(5)
        return
    channels = shape[axis] if 0 <= axis < len(shape) else None
    if (scales > 1 and scales != channels) or (zeros > 1 and zeros != scales) or axis < 0:
        found.add(rule.TENSOR, f"it has {scales} scales, {zeros} zero points for axis {axis} of {list(shape)}", where)


def _look_at_sparsity(table: FlatTable) -> bool:
    sparsity = table.table(6)
    if sparsity is None:
        return False
    sparsity.vector(0, 4)
    sparsity.vector(1, 4)
    for dimension in sparsity.tables(2):
        for number in (3, 5):
            inner = dimension.table(number)
            if inner is not None:
                inner.vector(0, 1)
    return True


def look_at_calls(graphs: Sequence[Graph], found: Found) -> None:
    """Note graphs that call each other in a circle, graphs that are not there, and loops that never end."""
    for number, graph in enumerate(graphs):
        for call in graph.calls:
            if not 0 <= call.graph < len(graphs):
                found.add(rule.RECURSIVE, f"graph {call.graph:,} of {len(graphs)} is called", f"graph {number}")
            elif call.condition and any(first not in (b"", b"\0") for first in graphs[call.graph].constant_outputs):
                found.add(rule.RECURSIVE, "a loop's condition is a constant: it never ends", f"graph {number}")
    circle = _circle(graphs)
    if circle is not None:
        found.add(rule.RECURSIVE, "it calls itself, or graphs that call it", f"graph {circle}")


def _circle(graphs: Sequence[Graph]) -> int | None:
    """Return a graph on a circle of calls, or None."""
    waiting = [0] * len(graphs)
    for _, callee in _edges(graphs):
        waiting[callee] += 1
    free = [number for number, count in enumerate(waiting) if not count]
    for number in free:
        for call in graphs[number].calls:
            if 0 <= call.graph < len(graphs):
                waiting[call.graph] -= 1
                if not waiting[call.graph]:
                    free.append(call.graph)
    return next((number for number, count in enumerate(waiting) if count), None)


def _edges(graphs: Sequence[Graph]) -> Iterator[tuple[int, int]]:
    for number, graph in enumerate(graphs):
        for call in graph.calls:
            if 0 <= call.graph < len(graphs):
                yield number, call.graph
