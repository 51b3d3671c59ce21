"""Declares where models come from by `models:/` and `runs:/`, and where results may go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vetgate.api import ArtifactSource, ArtifactSourceSpec, Publisher, PublisherSpec, hookimpl
from vetgate_mlflow.names import SCHEMES
from vetgate_mlflow.settings import NAME, SETTINGS


def _source() -> ArtifactSource:
    from vetgate_mlflow.source import MlflowSource

    return MlflowSource()


def _publisher(settings: Mapping[str, str]) -> Publisher:
    from vetgate_mlflow.publisher import make_publisher

    return make_publisher(settings)


@hookimpl
def vetgate_artifact_sources() -> Iterable[ArtifactSourceSpec]:
    """Declare the source; no server is asked until a name has one of its schemes."""
    summary = "registered models and files of runs, from the server that MLFLOW_TRACKING_URI names"
    return (ArtifactSourceSpec(NAME, SCHEMES, summary, _source, extra="mlflow"),)


@hookimpl
def vetgate_publishers() -> Iterable[PublisherSpec]:
    """Declare the publisher; no server is asked until the user names it."""
    summary = "a run with figures and reports, and a tag and an alias of the model version"
    return (PublisherSpec(NAME, summary, SETTINGS, _publisher, extra="mlflow"),)
