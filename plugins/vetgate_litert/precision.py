"""The precision of most of a model's arithmetic."""

from __future__ import annotations

from collections import Counter

from vetgate_litert.model import OperatorInfo, SubgraphInfo
from vetgate_litert.operator import RULES, count, name_of


def precision_of(graph: SubgraphInfo) -> str:
    """Return the precision that holds most multiply-accumulates: that of the numbers that go in."""
    weighed: Counter[str] = Counter()
    for operator in graph.operators:
        if name_of(operator) in RULES:
            macs, _ = count(operator, graph, hidden=False)
            weighed[_precision(operator, graph)] += macs or 1
    return weighed.most_common(1)[0][0] if weighed else "unknown"


def _precision(operator: OperatorInfo, graph: SubgraphInfo) -> str:
    place = 2 if name_of(operator) == "TRANSPOSE_CONV" else 0
    given, weight = (
        graph.tensors[operator.inputs[index]].dtype if index < len(operator.inputs) else "unknown"
        for index in (place, 1)
    )
    if given in ("int8", "uint8"):
        return "int8" if weight in ("int8", "uint8") else f"int8 by {weight}"
    if given == "int16":
        return f"int16 by {weight}"
    if given == "float32" and weight in ("int8", "uint8", "int4"):
        return f"{weight} weights, activations quantised as it runs"
    return given
