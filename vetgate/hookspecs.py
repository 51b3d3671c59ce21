"""What a plugin may declare. Every hook returns declarations; none does work.

None is firstresult: pluggy's call order depends on the order of installation, and a gate's answer must not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pluggy

from vetgate.domain.specs import BackendSpec, CheckSpec, DataSourceSpec, Event, PolicySpec, ReporterSpec

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
    def vetgate_observe(self, event: Event) -> None:
        """Be told of progress. A failure here is a warning line, never a verdict."""
