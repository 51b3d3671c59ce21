"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import Backend, BackendSpec, FormatSpec, hookimpl
from vetgate_ncnn.recognise import members, recognise


def _backend() -> Backend:
    from vetgate_ncnn.backend import NcnnBackend

    return NcnnBackend()


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Declare ncnn."""
    return (
        BackendSpec(
            name="ncnn",
            summary="ncnn models on the CPU",
            formats=(FormatSpec("ncnn", "ncnn model: .param as text, with its weights in .bin", recognise, members),),
            factory=_backend,
            extra="ncnn",
            precisions=("float32", "float16", "bfloat16"),
            providers=("CPU",),
        ),
    )
