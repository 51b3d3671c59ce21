"""The precision that a compiled model really computes in, as OpenVINO tells it of each operator."""

from __future__ import annotations

import math
from collections import Counter

import openvino

from vetgate.api import Card

_WEIGHTED = frozenset({"Convolution", "FullyConnected", "MatMul", "Deconvolution", "BinaryConvolution"})
"""Layer types of a compiled model that multiply weights."""
_NAMES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "i8": "int8", "u8": "int8"}


def told_precision(compiled: openvino.CompiledModel, card: Card) -> tuple[str, tuple[str, ...]]:
    """Return the precision of most operators that multiply weights, and notes on the others."""
    weighed: Counter[str] = Counter()
    for node in compiled.get_runtime_model().get_ordered_ops():
        told = {key: str(value.value) for key, value in node.get_rt_info().items()}
        if told.get("layerType") in _WEIGHTED:
            own = told.get("runtimePrecision", "unknown")
            weighed[_NAMES.get(own, own)] += max(1, _outputs(node))
    hint = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    notes = [f"floating-point operators compute in {_NAMES.get(hint, hint)} as asked"]
    if not weighed:
        return "unknown", tuple(notes)
    precision = weighed.most_common(1)[0][0]
    if len(weighed) > 1:
        others = ", ".join(sorted(name for name in weighed if name != precision))
        notes.append(f"some layers compute in {others}")
    wanted = (card.execution.precision if card.execution else None) or "float32"
    if precision not in (wanted, "int8"):
        notes.append(f"asked for {wanted}, and OpenVINO computes in {precision} on this processor")
    return precision, tuple(notes)


def _outputs(node: openvino.Node) -> int:
    shape = node.output(0).get_partial_shape()
    return 0 if shape.is_dynamic else math.prod(int(length) for length in shape.to_shape())
