"""Declares the toy format: `ACME` and a line of JSON, then the weights of one linear layer in float32."""

from collections.abc import Iterable

from vetgate.api import Backend, BackendSpec, FormatSpec, Probe, hookimpl


def _recognise(probe: Probe) -> bool:
    return probe.head.startswith(b"ACME{")


def _backend() -> Backend:
    from acme_vetgate.backend import AcmeBackend

    return AcmeBackend()


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """The toy format."""
    toy = FormatSpec("acme", "acme's toy models", _recognise)
    return [BackendSpec("acme", "opens acme's toy models", (toy,), _backend)]
