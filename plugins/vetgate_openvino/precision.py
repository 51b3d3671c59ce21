"""The precision that a compiled model really computes in, as OpenVINO tells it of each operator."""

from __future__ import annotations

import math
from collections import Counter

import openvino

from vetgate.api import Card, CardError

_WEIGHTED = frozenset({"Convolution", "FullyConnected", "MatMul", "Deconvolution", "BinaryConvolution"})
"""Layer types of a compiled model that multiply weights."""
_NAMES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "i8": "int8", "u8": "int8"}


def told_precision(compiled: openvino.CompiledModel, card: Card) -> tuple[str, tuple[str, ...]]:
    """Return the precision of most operators that multiply weights, and notes on the others.

    Raises:
        CardError: Floating-point operators compute otherwise than was asked for, or in float32 where nothing was.
    """
    hint = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    asked = card.execution.precision if card.execution else None
    floating, wanted = _NAMES.get(hint, hint), asked or "float32"
    if floating != wanted:
        why = f"{wanted} was asked for" if asked else f"{wanted} is what counts where no precision is asked for"
        raise CardError(
            f"{why}, but OpenVINO computes in {floating} on this processor",
            hint=f"ask for execution.precision {floating} (in the card, --execution or --reference-execution, "
            f"vetgate.yaml), or vet the model on a processor that has {wanted}",
        )
    weighed: Counter[str] = Counter()
    for node in compiled.get_runtime_model().get_ordered_ops():
        told = {key: str(value.value) for key, value in node.get_rt_info().items()}
        if told.get("layerType") in _WEIGHTED:
            weighed[_computed_in(told)] += max(1, _outputs(node))
    notes = [f"floating-point operators compute in {floating}"]
    if not weighed:
        return "unknown", tuple(notes)
    precision = weighed.most_common(1)[0][0]
    if len(weighed) > 1:
        others = ", ".join(sorted(name for name in weighed if name != precision))
        notes.append(f"some layers compute in {others}")
    return precision, tuple(notes)


def _computed_in(told: dict[str, str]) -> str:
    """Return what a layer computes in: its kernel says so, such as brgconv_avx512_f32 for weights stored in float16."""
    kernel, stored = told.get("primitiveType", "").rpartition("_")[2].lower(), told.get("runtimePrecision", "unknown")
    return _NAMES.get(kernel) or _NAMES.get(stored, stored)


def _outputs(node: openvino.Node) -> int:
    shape = node.output(0).get_partial_shape()
    return 0 if shape.is_dynamic else math.prod(int(length) for length in shape.to_shape())
