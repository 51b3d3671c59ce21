"""Multiply-accumulates of OpenVINO's operators, from the shapes of their operands."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import openvino

from vetgate_openvino.graph import lengths

_HIDDEN = frozenset(
    {
        "AUGRUCell", "AUGRUSequence", "If", "Loop", "TensorIterator", "Einsum", "DeformableConvolution",
        "BinaryConvolution", "FrameworkNode", "STFT",
    }
)  # fmt: skip
"""Operators that multiply in ways not counted here, or that hide what they do."""


@dataclass(frozen=True)
class Tally:
    """Operators of one type."""

    count: int
    macs: int | None
    """Of one image; None where it could not be told."""
    reason: str
    """Why it could not be told; empty where it could."""


def tally(graph: openvino.Model, batch: int) -> dict[str, Tally]:
    """Return count and multiply-accumulates of one image by operator type, sorted by type.

    Args:
        graph: With shapes as fixed as they can be.
        batch: Images that its shapes stand for.
    """
    counts: Counter[str] = Counter()
    total: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for node in graph.get_ordered_ops():
        kind = str(node.get_type_name())
        if kind in ("Parameter", "Result", "Constant"):
            continue
        counts[kind] += 1
        macs, reason = count(node)
        if macs is None:
            reasons.setdefault(kind, reason)
        else:
            total[kind] += macs
    for kind, macs in total.items():
        if macs % batch:
            reasons.setdefault(kind, f"they do not divide by the fixed batch of {batch}")
    return {
        kind: Tally(counts[kind], None if kind in reasons else total[kind] // batch, reasons.get(kind, ""))
        for kind in sorted(counts)
    }


def count(node: openvino.Node) -> tuple[int | None, str]:
    """Return the multiply-accumulates of one operator for the whole batch, or None and why it cannot be told."""
    kind = str(node.get_type_name())
    if kind in RULES:
        macs = RULES[kind](node)
        return macs, "" if macs is not None else "the shapes are not complete"
    if kind in _HIDDEN:
        return None, "what it multiplies is not counted"
    return 0, ""


def _shape(port: openvino.Output) -> tuple[int, ...] | None:
    shape = lengths(port)
    return None if None in shape else tuple(length for length in shape if length is not None)


def _by_output(per_number: Callable[[tuple[int, ...]], int]) -> Callable[[openvino.Node], int | None]:
    def rule(node: openvino.Node) -> int | None:
        weight, out = _shape(node.input_value(1)), _shape(node.output(0))
        return None if weight is None or out is None else math.prod(out) * per_number(weight)

    return rule


def _by_input(per_number: Callable[[tuple[int, ...]], int]) -> Callable[[openvino.Node], int | None]:
    def rule(node: openvino.Node) -> int | None:
        given, weight = _shape(node.input_value(0)), _shape(node.input_value(1))
        return None if weight is None or given is None else math.prod(given) * per_number(weight)

    return rule


def _product(node: openvino.Node) -> int | None:
    given, out = _shape(node.input_value(0)), _shape(node.output(0))
    if not given or out is None:
        return None
    reduced = given[-2] if node.get_attributes().get("transpose_a") and len(given) > 1 else given[-1]
    return math.prod(out) * reduced


def _attention(node: openvino.Node) -> int | None:
    """Count query by key and weight by value."""
    query, key, value = (_shape(node.input_value(place)) for place in range(3))
    if query is None or key is None or value is None or min(map(len, (query, key, value))) < 2:
        return None
    return math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _recurrent(weight: int) -> Callable[[openvino.Node], int | None]:
    """Return a rule: steps and images that go in, times the elements of both matrices, at this place and the next."""

    def rule(node: openvino.Node) -> int | None:
        given, one, other = (_shape(node.input_value(place)) for place in (0, weight, weight + 1))
        if not given or one is None or other is None:
            return None
        return math.prod(given[:-1]) * (math.prod(one) + math.prod(other))

    return rule


RULES: dict[str, Callable[[openvino.Node], int | None]] = {
    "Convolution": _by_output(lambda weight: math.prod(weight[1:])),
    "GroupConvolution": _by_output(lambda weight: math.prod(weight[2:])),
    "ConvolutionBackpropData": _by_input(lambda weight: math.prod(weight[1:])),
    "GroupConvolutionBackpropData": _by_input(lambda weight: math.prod(weight[2:])),
    "MatMul": _product,
    "ScaledDotProductAttention": _attention,
    "LSTMSequence": _recurrent(4),
    **dict.fromkeys(("GRUSequence", "RNNSequence"), _recurrent(3)),
    "LSTMCell": _recurrent(3),
    **dict.fromkeys(("GRUCell", "RNNCell"), _recurrent(2)),
}
"""Operators that multiply, and how often. Weights: (out, in, ...), and (groups, out, in, ...) of a GroupConvolution."""
