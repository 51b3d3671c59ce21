"""What a plugin may declare. Every hook returns declarations; none does work.

None is firstresult: pluggy's call order depends on the order of installation, and a gate's answer must not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pluggy

from vetgate.domain.specs import (
    ArtifactSourceSpec,
    BackendSpec,
    CheckSpec,
    CompressorSpec,
    DataSourceSpec,
    DrawingSpec,
    EmbedderSpec,
    Event,
    LabellerSpec,
    PolicySpec,
    PublisherSpec,
    ReporterSpec,
    ScannerSpec,
)

ENTRY_POINT_GROUP = "vetgate.v1"

hookspec = pluggy.HookspecMarker("vetgate")
hookimpl = pluggy.HookimplMarker("vetgate")


class Hooks:
    """The hooks of API group vetgate.v1."""

    @hookspec
    def vetgate_backends(self) -> Iterable[BackendSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Formats it can open."""

    @hookspec
    def vetgate_checks(self) -> Iterable[CheckSpec[Any]]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Measures it can take."""

    @hookspec
    def vetgate_data_sources(self) -> Iterable[DataSourceSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Sample sets it can read."""

    @hookspec
    def vetgate_reporters(self) -> Iterable[ReporterSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Report formats it can write."""

    @hookspec
    def vetgate_policies(self) -> Iterable[PolicySpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Named policies it carries."""

    @hookspec
    def vetgate_compressors(self) -> Iterable[CompressorSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Compressed variants it can make."""

    @hookspec
    def vetgate_embedders(self) -> Iterable[EmbedderSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Ways it can put models into the plane."""

    @hookspec
    def vetgate_drawings(self) -> Iterable[DrawingSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Formats it can draw landscapes and studies in."""

    @hookspec
    def vetgate_labellers(self) -> Iterable[LabellerSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Ways it can name what regions of images show."""

    @hookspec
    def vetgate_scanners(self) -> Iterable[ScannerSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """What it reads in model files before anything of them is opened."""

    @hookspec
    def vetgate_artifact_sources(self) -> Iterable[ArtifactSourceSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Schemes of names for which it fetches models."""

    @hookspec
    def vetgate_publishers(self) -> Iterable[PublisherSpec]:  # type: ignore[empty-body]  # pluggy specs have no body
        """Places that it can put results."""

    @hookspec
    def vetgate_observe(self, event: Event) -> None:
        """Be told of progress. A failure here is a warning line, never a verdict."""
