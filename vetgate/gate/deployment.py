"""Who opens a model: the backend that its format goes with, or the one that its card names."""

from __future__ import annotations

from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Deployment
from vetgate.domain.errors import CardError
from vetgate.domain.specs import BackendSpec
from vetgate.host import Host, Kind, Offer


def choose_backend(name: str, artifact: Artifact, usual: Offer, wanted: Deployment, host: Host) -> Offer:
    """Return the offer of the backend that opens a model as its card wants it to be run.

    Args:
        name: What the model is called in messages.
        artifact: The model.
        usual: Who opens its format unasked.
        wanted: What the card says.
        host: The plugins.

    Raises:
        CardError: The card names a backend that does not open this format, or a precision that it cannot be asked for.
    """
    chosen = usual
    if wanted.runtime is not None and wanted.runtime != artifact.backend:
        chosen = _named(name, artifact, wanted.runtime, host)
    spec: BackendSpec = chosen.spec
    if wanted.precision is not None and wanted.precision not in spec.precisions:
        offered = ", ".join(spec.precisions) or "none"
        raise CardError(
            f"{name}: the card asks for execution.precision {wanted.precision}, and backend {spec.name!r} can be asked "
            f"for {offered}",
            hint="leave execution.precision out of the card, or name another runtime there",
        )
    return chosen


def _named(name: str, artifact: Artifact, runtime: str, host: Host) -> Offer:
    able = sorted(
        spec.name
        for spec in host.backends()
        if artifact.format in spec.also or any(known.name == artifact.format for known in spec.formats)
    )
    offer = host.offer(Kind.BACKEND, runtime)
    if offer is None or runtime not in able:
        raise CardError(
            f"{name}: the card asks for execution.runtime {runtime}, which does not open {artifact.format} here; "
            f"{' and '.join(able)} can",
            hint="mend execution.runtime in the card; vetgate plugins lists what is installed",
        )
    return offer
