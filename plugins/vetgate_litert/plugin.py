"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import ANY_TASK, Backend, BackendSpec, FormatSpec, hookimpl
from vetgate_litert.declared import BUILTIN, XNNPACK
from vetgate_litert.recognise import recognise


def _backend() -> Backend:
    from vetgate_litert.backend import LitertBackend

    return LitertBackend()


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Declare TFLite."""
    return (
        BackendSpec(
            name="litert",
            summary="TFLite models on LiteRT's interpreter, with XNNPACK unless asked not to",
            formats=(FormatSpec("tflite", "TFLite FlatBuffer", recognise),),
            factory=_backend,
            extra="litert",
            providers=(XNNPACK, BUILTIN),
            tasks=ANY_TASK,
        ),
    )
