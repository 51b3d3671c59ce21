"""Names and multiply-accumulates of TFLite operators, from the shapes of their tensors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ai_edge_litert.schema_py_generated import BuiltinOperator

from vetgate_litert.model import OperatorInfo, SubgraphInfo, TensorInfo, TfliteModel

_NAMES: dict[int, str] = {
    value: name for name, value in vars(BuiltinOperator).items() if isinstance(value, int) and not name.startswith("_")
}
_NOT_COUNTED = frozenset(
    {
        "CONV_3D_TRANSPOSE", "STABLEHLO_CONVOLUTION", "STABLEHLO_DOT_GENERAL", "STABLEHLO_CUSTOM_CALL",
        "STABLEHLO_COMPOSITE", "DELEGATE",
    }
)  # fmt: skip
"""Built-in operators that multiply weights in ways not counted here, or that hide what they do."""
_BRANCHES = frozenset({"IF", "WHILE", "CALL", "CALL_ONCE", "STABLEHLO_WHILE", "STABLEHLO_CASE"})
"""Operators that run another graph of the file."""


@dataclass(frozen=True)
class Tally:
    """Operators of one type."""

    count: int
    macs: int | None
    """Of one image; None where it could not be told."""
    reason: str
    """Why it could not be told; empty where it could."""


def name_of(operator: OperatorInfo) -> str:
    """Return an operator's type; custom ones carry their own name."""
    if operator.custom:
        return f"CUSTOM {operator.custom}"
    return _NAMES.get(operator.code, f"BUILTIN {operator.code}")


def tally(model: TfliteModel) -> dict[str, Tally]:
    """Return count and multiply-accumulates of one image by operator type of the main graph, sorted by type."""
    graph = model.main
    hidden = any(name_of(operator) in RULES for other in model.subgraphs[1:] for operator in other.operators)
    counts = Counter(name_of(operator) for operator in graph.operators)
    total: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for operator in graph.operators:
        name = name_of(operator)
        macs, reason = count(operator, graph, hidden)
        if macs is None:
            reasons.setdefault(name, reason)
        else:
            total[name] += macs
    batch = images_at_once(graph)
    for name, macs in total.items():
        if macs % batch:
            reasons.setdefault(name, f"they do not divide by the fixed batch of {batch}")
    return {
        name: Tally(counts[name], None if name in reasons else total[name] // batch, reasons.get(name, ""))
        for name in sorted(counts)
    }


def images_at_once(graph: SubgraphInfo) -> int:
    """Return the batch that the stored shapes stand for."""
    shapes = [graph.tensors[index].shape for index in graph.inputs]
    return max((shape[0] for shape in shapes if len(shape) == 4 and shape[0] > 0), default=1)


def count(operator: OperatorInfo, graph: SubgraphInfo, hidden: bool) -> tuple[int | None, str]:
    """Return the multiply-accumulates of one operator for the whole batch, or None and why it cannot be told.

    Args:
        operator: An operator of `graph`.
        graph: The graph it stands in.
        hidden: Whether the file's other graphs multiply weights.
    """
    name = name_of(operator)
    if name in RULES:
        macs = RULES[name](operator, graph)
        return macs, "" if macs is not None else "the shapes are not complete"
    if name in _BRANCHES and hidden:
        return None, "it runs another graph of the file, which multiplies weights"
    if operator.custom or name in _NOT_COUNTED or operator.code not in _NAMES:
        return None, "what it multiplies is not known"
    return 0, ""


def _tensor(graph: SubgraphInfo, indices: tuple[int, ...], place: int) -> TensorInfo | None:
    """Return a tensor with a complete shape, or None."""
    if not 0 <= place < len(indices) or indices[place] < 0:
        return None
    tensor = graph.tensors[indices[place]]
    return tensor if all(length > 0 for length in tensor.shape) else None


def _by_output(reduced: Callable[[tuple[int, ...]], int]) -> Callable[[OperatorInfo, SubgraphInfo], int | None]:
    """Return a rule: elements of the output times what `reduced` says of the weight's shape."""

    def rule(operator: OperatorInfo, graph: SubgraphInfo) -> int | None:
        weight, out = _tensor(graph, operator.inputs, 1), _tensor(graph, operator.outputs, 0)
        return None if weight is None or out is None or not weight.shape else out.elements * reduced(weight.shape)

    return rule


def _transposed_convolution(operator: OperatorInfo, graph: SubgraphInfo) -> int | None:
    weight, given = _tensor(graph, operator.inputs, 1), _tensor(graph, operator.inputs, 2)
    return None if weight is None or given is None else given.elements * math.prod(weight.shape[:-1])


def _batched_product(operator: OperatorInfo, graph: SubgraphInfo) -> int | None:
    given, out = _tensor(graph, operator.inputs, 0), _tensor(graph, operator.outputs, 0)
    if given is None or out is None or len(given.shape) < 2:
        return None
    return out.elements * given.shape[-2 if operator.transposed else -1]


def _by_step(weights: tuple[int, ...], besides: int = -1) -> Callable[[OperatorInfo, SubgraphInfo], int | None]:
    """Return a rule: steps and images that go in, times the elements of all weights.

    Args:
        weights: Places of the matrices, of which some may be left out.
        besides: Place of a second input, with which nothing is told.
    """

    def rule(operator: OperatorInfo, graph: SubgraphInfo) -> int | None:
        given, second = (_tensor(graph, operator.inputs, place) for place in (0, besides))
        if given is None or not given.shape or (besides >= 0 and second is not None):
            return None
        there = (_tensor(graph, operator.inputs, place) for place in weights)
        return given.elements // given.shape[-1] * sum(weight.elements for weight in there if weight is not None)

    return rule


def _lstm(operator: OperatorInfo, graph: SubgraphInfo) -> int | None:
    """Count one step; the basic kernel has one matrix for all gates."""
    return _by_step((2,) if len(operator.inputs) == _BASIC_LSTM else _LSTM)(operator, graph)


_LSTM, _BASIC_LSTM = (*range(1, 9), 16), 5
RULES: dict[str, Callable[[OperatorInfo, SubgraphInfo], int | None]] = {
    "CONV_2D": _by_output(lambda shape: math.prod(shape[1:])),
    "DEPTHWISE_CONV_2D": _by_output(lambda shape: math.prod(shape[1:-1])),
    "CONV_3D": _by_output(lambda shape: math.prod(shape[:-1])),
    "FULLY_CONNECTED": _by_output(lambda shape: shape[-1]),
    "TRANSPOSE_CONV": _transposed_convolution,
    "BATCH_MATMUL": _batched_product,
    "LSTM": _lstm,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _by_step(_LSTM),
    "BIDIRECTIONAL_SEQUENCE_LSTM": _by_step((*_LSTM, *range(18, 26), 33), besides=39),
    "RNN": _by_step((1, 2)),
    "UNIDIRECTIONAL_SEQUENCE_RNN": _by_step((1, 2)),
    "BIDIRECTIONAL_SEQUENCE_RNN": _by_step((1, 2, 5, 6), besides=9),
    "SVDF": _by_step((1, 2)),
}
"""Operators that multiply, and how often."""
