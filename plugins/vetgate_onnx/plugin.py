"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import ANY_TASK, Backend, BackendSpec, FormatSpec, hookimpl
from vetgate_onnx.declared import ACCELERATORS, OPTIONS, PROVIDERS
from vetgate_onnx.external import members
from vetgate_onnx.recognise import recognise


def _backend() -> Backend:
    from vetgate_onnx.backend import OnnxBackend

    return OnnxBackend()


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Declare ONNX."""
    return (
        BackendSpec(
            name="onnx",
            summary="ONNX models on ONNX Runtime, on its CPU provider unless another is asked for",
            formats=(FormatSpec("onnx", "ONNX model, with its external data files", recognise, members),),
            factory=_backend,
            extra="onnx",
            providers=PROVIDERS,
            accelerators=ACCELERATORS,
            options=OPTIONS,
            tasks=ANY_TASK,
        ),
    )
