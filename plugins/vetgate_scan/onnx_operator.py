"""Which operators of an ONNX graph run something else than ONNX."""

from __future__ import annotations

from vetgate_scan import onnx_rules as rule
from vetgate_scan.found import Found, quoted
from vetgate_scan.onnx_size import Node

_KNOWN = frozenset(
    {
        b"", b"ai.onnx.ml", b"ai.onnx.preview", b"ai.onnx.preview.training", b"ai.onnx.training", b"com.microsoft",
        b"com.microsoft.nchwc", b"com.microsoft.experimental", b"com.ms.internal.nhwc",
    }
)  # fmt: skip
"""Domains whose operators ONNX and ONNX Runtime carry themselves."""
STANDARD = frozenset({b"", b"ai.onnx", b"ai.onnx.ml", b"ai.onnx.training", b"ai.onnx.preview.training"})
_CALLS_BACK = frozenset({b"PyOp", b"PyCustomOp", b"PythonOp", b"PythonOpGrad", b"ATen", b"ATenOp", b"Opaque"})
_CALLS_BACK_DOMAINS = (b"org.pytorch.aten", b"ai.onnx.contrib", b"pyopmulti", b"pyop")
_COMPILED = frozenset({b"EPContext", b"Snpe", b"SnpeNode", b"TRTEngineOp", b"TRT_EngineOp"})


def look_at_operator(node: Node, found: Found) -> None:
    """Note what an operator runs that is no function of the model."""
    name = f"{node.domain.decode(errors='replace')}::{node.op.decode(errors='replace')}"
    if node.op in _CALLS_BACK or node.domain.startswith(_CALLS_BACK_DOMAINS):
        found.add(rule.FOREIGN, f"operator {quoted(name)} runs code outside of the model", node.where)
    elif node.op in _COMPILED:
        found.add(rule.COMPILED, f"operator {quoted(name)} holds or names compiled code", node.where)
    elif node.domain not in _KNOWN:
        found.add(rule.CUSTOM, f"operator {quoted(name)} is of no domain that the runtime carries", node.where)
