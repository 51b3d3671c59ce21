"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import Backend, BackendSpec, FormatSpec, hookimpl
from vetgate_openvino.device import ACCELERATORS, CPU
from vetgate_openvino.recognise import members, recognise


def _backend() -> Backend:
    from vetgate_openvino.backend import OpenvinoBackend

    return OpenvinoBackend()


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Declare OpenVINO IR, and ONNX for cards that name this runtime."""
    return (
        BackendSpec(
            name="openvino",
            summary="OpenVINO IR, and ONNX where that is asked for, on OpenVINO's CPU device by default",
            formats=(FormatSpec("openvino", "OpenVINO IR: XML, with its weights in .bin", recognise, members),),
            factory=_backend,
            extra="openvino",
            also=("onnx",),
            precisions=("float32", "float16", "bfloat16"),
            providers=(CPU, *ACCELERATORS),
            accelerators=ACCELERATORS,
        ),
    )
