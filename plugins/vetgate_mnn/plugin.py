"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import Backend, BackendSpec, FormatSpec, hookimpl
from vetgate_mnn.recognise import recognise


def _backend() -> Backend:
    from vetgate_mnn.backend import MnnBackend

    return MnnBackend()


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Declare MNN."""
    return (
        BackendSpec(
            name="mnn",
            summary="MNN models on the CPU",
            formats=(FormatSpec("mnn", "MNN model", recognise),),
            factory=_backend,
            extra="mnn",
            precisions=("float32", "float16", "bfloat16"),
            providers=("CPU",),
        ),
    )
