"""Declares a depot: toy models by `acme:/NAME` from a folder that a variable names, and verdicts published to it."""

from collections.abc import Iterable, Mapping

from vetgate.api import ArtifactSource, ArtifactSourceSpec, Publisher, PublisherSpec, hookimpl

SETTINGS = {"shelf": "name of the folder in the depot", "misbehave": "what goes wrong: raise, refuse or hang"}


def _source() -> ArtifactSource:
    from acme_vetgate.shelves import AcmeSource

    return AcmeSource()


def _publisher(settings: Mapping[str, str]) -> Publisher:
    from acme_vetgate.shelves import AcmePublisher

    return AcmePublisher(settings)


@hookimpl
def vetgate_artifact_sources() -> Iterable[ArtifactSourceSpec]:
    """The depot's models."""
    return [ArtifactSourceSpec("acme", ("acme",), "toy models of the depot", _source)]


@hookimpl
def vetgate_publishers() -> Iterable[PublisherSpec]:
    """The depot's notes on models."""
    return [PublisherSpec("acme", "notes in the depot", SETTINGS, _publisher)]
