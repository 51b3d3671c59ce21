"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import Backend, BackendSpec, FormatSpec, hookimpl
from vetgate_keras.recognise import recognise


def _backend() -> Backend:
    from vetgate_keras.backend import KerasBackend

    return KerasBackend()


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Declare Keras."""
    return (
        BackendSpec(
            name="keras",
            summary="Keras archives of Keras' own layers, on PyTorch and the CPU",
            formats=(FormatSpec("keras", "Keras archive (.keras)", recognise),),
            factory=_backend,
            extra="keras",
            precisions=("float32",),
            providers=("CPU",),
        ),
    )
