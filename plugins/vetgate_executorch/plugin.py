"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import Backend, BackendSpec, FormatSpec, hookimpl
from vetgate_executorch.recognise import recognise


def _backend() -> Backend:
    from vetgate_executorch.backend import ExecutorchBackend

    return ExecutorchBackend()


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Declare ExecuTorch programs."""
    return (
        BackendSpec(
            name="executorch",
            summary="ExecuTorch programs on its own kernels and XNNPACK",
            formats=(FormatSpec("executorch", "ExecuTorch program (.pte)", recognise),),
            factory=_backend,
            extra="executorch",
        ),
    )
