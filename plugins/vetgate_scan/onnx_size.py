"""How large the tensors are that constant sizes in an ONNX graph ask for, found without running anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vetgate_scan.onnx_message import Span
from vetgate_scan.onnx_tensor import Values

MOST_ELEMENTS = 1 << 28
"""1 GiB as float32."""
MOST_GROWTH = 20.0
"""Doublings of one tensor by operators that only repeat it."""
MOST_STEP = 1_000_000
"""Of one stride, pad or kernel."""


@dataclass(frozen=True)
class Attribute:
    """What is read of an attribute."""

    number: int | None = None
    numbers: tuple[int, ...] = ()
    values: Values | None = None
    """Of a small tensor."""
    text: bytes = b""
    graphs: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Node:
    """What is read of a node."""

    op: bytes
    domain: bytes
    overload: bytes
    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]
    attributes: dict[bytes, Attribute]
    where: str


@dataclass
class Scope:
    """What is known of the values of a graph by name, and of those around it."""

    around: Scope | None = None
    constants: dict[bytes, Values] = field(default_factory=dict)
    growth: dict[bytes, float] = field(default_factory=dict)
    """Doublings that a value has behind it."""

    def constant(self, name: bytes) -> Values | None:
        """Return the numbers of a small constant, here or in a graph around this one."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.constants:
                return scope.constants[name]
            scope = scope.around
        return None

    def of(self, node: Node, index: int) -> Values | None:
        """Return the numbers of a node's input where it is a small constant."""
        return self.constant(node.inputs[index]) if index < len(node.inputs) and node.inputs[index] else None


_PASS = frozenset({b"Identity", b"Cast", b"Reshape", b"Squeeze", b"Unsqueeze", b"Flatten"})
_PAIRS: dict[bytes, Callable[[float, float], float]] = {
    b"Mul": lambda left, right: left * right,
    b"Add": lambda left, right: left + right,
    b"Sub": lambda left, right: left - right,
    b"Pow": lambda left, right: min(math.inf, float(left) ** min(float(right), 1e3)) if left > 0 else 0,
}
_REPEATED = frozenset(
    {
        b"Identity", b"Relu", b"Add", b"Mul", b"Sub", b"Neg", b"Abs", b"Sigmoid", b"Tanh", b"Transpose", b"Cast",
        b"Dropout",
    }
)  # fmt: skip
_MOST_VALUES = 64


def fold(node: Node, scope: Scope) -> Values | None:
    """Return the numbers that a node computes from small constants, or None where it does not."""
    if node.op == b"Constant":
        return _constant(node)
    if node.op in _PASS:
        return scope.of(node, 0)
    if node.op not in _PAIRS and node.op != b"Concat":
        return None
    given = [scope.constant(name) for name in node.inputs]
    known = [values for values in given if values is not None]
    if len(known) != len(given) or not known or sum(map(len, known)) > _MOST_VALUES:
        return None
    if node.op == b"Concat":
        return tuple(value for values in known for value in values)
    return _paired(_PAIRS[node.op], known)


def _constant(node: Node) -> Values | None:
    for attribute in node.attributes.values():
        if attribute.values is not None:
            return attribute.values
        if attribute.numbers or attribute.number is not None:
            return attribute.numbers or (attribute.number or 0,)
    return None


def _paired(compute: Callable[[float, float], float], given: Sequence[Values]) -> Values | None:
    if len(given) != 2 or not all(given):
        return None
    left, right = given
    length = max(len(left), len(right))
    try:
        return tuple(compute(left[i % len(left)], right[i % len(right)]) for i in range(length))
    except (OverflowError, ValueError, ZeroDivisionError):
        return (math.inf,)


_PRODUCTS = {b"ConstantOfShape": 0, b"Expand": 1, b"Tile": 1, b"AffineGrid": 1, b"CenterCropPad": 1, b"MaxUnpool": 2,
             b"Col2Im": 1, b"OneHot": 1, b"DFT": 1, b"HannWindow": 0, b"HammingWindow": 0,
             b"BlackmanWindow": 0}  # fmt: skip
"""Operator to the input whose product is the least number of elements that it makes."""
_STEPS = frozenset({b"pads", b"output_shape", b"output_padding", b"kernel_shape", b"strides", b"dilations", b"sizes"})


def requested(node: Node, scope: Scope) -> float:
    """Return how many elements a node makes at least, by its constants alone; 0 where they tell nothing."""
    if node.op in _PRODUCTS:
        return _product(scope.of(node, _PRODUCTS[node.op]))
    if node.op == b"Range":
        return _range([scope.of(node, index) for index in range(3)])
    if node.op in (b"Resize", b"Upsample"):
        return max(_product(scope.of(node, index)) for index in (1, 2, 3) if index != 1 or node.op == b"Upsample")
    if node.op in (b"RandomNormal", b"RandomUniform") and b"shape" in node.attributes:
        return _product(node.attributes[b"shape"].numbers)
    if node.op == b"Pad":
        return _product(tuple(max(1, value) for value in scope.of(node, 1) or ()))
    return 0


def longest_step(node: Node) -> int:
    """Return the largest stride, pad, kernel or stated length among a node's attributes."""
    return max(
        (abs(value) for name in _STEPS & node.attributes.keys() for value in node.attributes[name].numbers), default=0
    )


def grown(node: Node, scope: Scope) -> float:
    """Return the doublings behind what a node makes; it is noted for its outputs."""
    factor = 1.0
    if node.op == b"Concat" and len(node.inputs) > 1 and len(set(node.inputs)) == 1:
        factor = len(node.inputs)
    elif node.op == b"Tile":
        factor = _product(scope.of(node, 1))
    elif node.op not in _REPEATED:
        return 0.0
    doublings = max((scope.growth.get(name, 0.0) for name in node.inputs), default=0.0) + math.log2(max(1.0, factor))
    if doublings:
        scope.growth.update(dict.fromkeys(node.outputs, doublings))
    return doublings


def _product(values: Values | None) -> float:
    product = 1.0
    for value in values or ():
        product *= max(0.0, value)
    return product if values else 0


def _range(given: Sequence[Values | None]) -> float:
    if not all(given):
        return 0
    start, limit, step = (values[0] for values in given if values)
    return math.inf if step == 0 or not math.isfinite(limit) else abs((limit - start) / step)
