"""Declares models that a server answers for, and the backend that asks it."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import ArtifactSource, ArtifactSourceSpec, Backend, BackendSpec, FormatSpec, Probe, hookimpl
from vetgate_triton.names import NAME, PORTS


def _backend() -> Backend:
    from vetgate_triton.backend import TritonBackend

    return TritonBackend()


def _source() -> ArtifactSource:
    from vetgate_triton.source import TritonSource

    return TritonSource()


def _recognise(_: Probe) -> bool:
    """Recognise no file: what a server runs comes by name alone."""
    return False


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Declare the backend; its format is no file's."""
    formats = (FormatSpec(NAME, "model on a server", _recognise),)
    summary = "models on Triton and other servers of the KServe v2 protocol"
    return (BackendSpec(NAME, summary, formats, _backend, NAME, threads=False),)


@hookimpl
def vetgate_artifact_sources() -> Iterable[ArtifactSourceSpec]:
    """Declare the source; no server is asked until a name has one of its schemes."""
    summary = "models on Triton and other servers of the KServe v2 protocol: triton://HOST:PORT/MODEL[/VERSION]"
    return (ArtifactSourceSpec(NAME, tuple(PORTS), summary, _source, extra=NAME, serves=("onnx",)),)
