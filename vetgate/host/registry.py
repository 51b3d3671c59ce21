"""Finding plugins by entry point and holding what they declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from importlib import metadata
from typing import Any, cast

import pluggy

from vetgate.domain.errors import MissingExtra, UsageError
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
    MetricSpec,
    PolicySpec,
    PublisherSpec,
    ReporterSpec,
    ScannerSpec,
)
from vetgate.hookspecs import ENTRY_POINT_GROUP, Hooks
from vetgate.host.extras import lacking, versions


class Kind(StrEnum):
    """What a spec declares, by hook."""

    BACKEND = "backend"
    CHECK = "check"
    DATA_SOURCE = "data source"
    REPORTER = "reporter"
    POLICY = "policy"
    COMPRESSOR = "compressor"
    EMBEDDER = "embedder"
    DRAWING = "drawing"
    LABELLER = "labeller"
    SCANNER = "scanner"
    ARTIFACT_SOURCE = "artifact source"
    PUBLISHER = "publisher"


_HOOKS: dict[Kind, tuple[str, type[Any]]] = {
    Kind.BACKEND: ("vetgate_backends", BackendSpec),
    Kind.CHECK: ("vetgate_checks", CheckSpec),
    Kind.DATA_SOURCE: ("vetgate_data_sources", DataSourceSpec),
    Kind.REPORTER: ("vetgate_reporters", ReporterSpec),
    Kind.POLICY: ("vetgate_policies", PolicySpec),
    Kind.COMPRESSOR: ("vetgate_compressors", CompressorSpec),
    Kind.EMBEDDER: ("vetgate_embedders", EmbedderSpec),
    Kind.DRAWING: ("vetgate_drawings", DrawingSpec),
    Kind.LABELLER: ("vetgate_labellers", LabellerSpec),
    Kind.SCANNER: ("vetgate_scanners", ScannerSpec),
    Kind.ARTIFACT_SOURCE: ("vetgate_artifact_sources", ArtifactSourceSpec),
    Kind.PUBLISHER: ("vetgate_publishers", PublisherSpec),
}


RESERVED = frozenset({"baseline", "data", "isolation", "models", "noise-floor", "repeat", "scan", "waivers"})
"""Names of evidence that the gate itself gives; a check of that name would stand for it."""


class Status(StrEnum):
    """What became of a plugin."""

    READY = "ready"
    MISSING_EXTRA = "missing extra"
    INCOMPATIBLE = "incompatible"
    BROKEN = "broken"
    DISABLED = "disabled"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Offer:
    """One spec of one plugin."""

    kind: Kind
    name: str
    spec: Any
    plugin: str
    distribution: str
    missing: tuple[str, ...] = ()
    """Requirements of the spec's extra that are not installed."""

    def require(self) -> None:
        """Make sure that its libraries are installed.

        Raises:
            MissingExtra: Naming what is missing and the command that brings it.
        """
        if self.missing:
            raise MissingExtra(
                f"{self.kind} {self.name!r} needs {', '.join(self.missing)}",
                hint=f"pip install '{self.distribution}[{self.spec.extra}]'",
            )

    @property
    def versions(self) -> dict[str, str]:
        """Installed versions of the offering distribution and of what its extra needs."""
        own = {self.distribution: metadata.version(self.distribution)}
        return own | versions(self.distribution, getattr(self.spec, "extra", None))


@dataclass(frozen=True)
class Plugin:
    """One entry point and what became of it."""

    name: str
    distribution: str
    version: str
    value: str
    """Entry-point value: `module` or `module:object`."""
    status: Status
    detail: str = ""
    offers: tuple[Offer, ...] = ()
    observe: Callable[[Event], object] | None = None


@dataclass(frozen=True)
class Host:
    """Every plugin found, and the offers that stand after conflicts were settled."""

    plugins: tuple[Plugin, ...]
    offers: Mapping[Kind, Mapping[str, Offer]] = field(default_factory=dict)

    def names(self, kind: Kind) -> list[str]:
        """Return the names on offer, sorted."""
        return sorted(self.offers.get(kind, {}))

    def offer(self, kind: Kind, name: str) -> Offer | None:
        """Return the offer, or None where nobody makes it."""
        return self.offers.get(kind, {}).get(name)

    def plugin_of(self, offer: Offer) -> Plugin:
        """Return the plugin that makes an offer."""
        return next(plugin for plugin in self.plugins if plugin.name == offer.plugin)

    def backends(self) -> tuple[BackendSpec, ...]:
        """Return the backends by name."""
        return self._specs(Kind.BACKEND)

    def checks(self) -> tuple[CheckSpec[Any], ...]:
        """Return the checks by name."""
        return self._specs(Kind.CHECK)

    def data_sources(self) -> tuple[DataSourceSpec, ...]:
        """Return the data sources by name."""
        return self._specs(Kind.DATA_SOURCE)

    def compressors(self) -> tuple[CompressorSpec, ...]:
        """Return the compressors by name."""
        return self._specs(Kind.COMPRESSOR)

    def scanners(self) -> tuple[ScannerSpec, ...]:
        """Return the scanners by name."""
        return self._specs(Kind.SCANNER)

    def sources(self) -> dict[str, Offer]:
        """Return who fetches models, by scheme."""
        offers = self.offers.get(Kind.ARTIFACT_SOURCE, {}).values()
        return {scheme: offer for offer in offers for scheme in offer.spec.schemes}

    def policies(self) -> dict[str, PolicySpec]:
        """Return the carried policies by name."""
        return {spec.name: spec for spec in cast("tuple[PolicySpec, ...]", self._specs(Kind.POLICY))}

    def metrics(self) -> dict[str, MetricSpec]:
        """Return every metric on offer by id."""
        return {metric.id: metric for check in self.checks() for metric in check.metrics}

    def troubles(self) -> list[str]:
        """Return one sentence for each plugin that a reader of a report must know about."""
        loud = (Status.BROKEN, Status.CONFLICT, Status.INCOMPATIBLE)
        return [
            f"plugin {plugin.name!r} is {plugin.status}: {plugin.detail}"
            for plugin in self.plugins
            if plugin.status in loud
        ]

    def tell(self, event: Event) -> list[str]:
        """Tell every observer of an event; return a warning line for each that failed."""
        warnings = []
        for plugin in self.plugins:
            if plugin.observe is None:
                continue
            try:
                plugin.observe(event)
            except (Exception, SystemExit) as error:  # an observer may raise anything; it must not touch the verdict
                warnings.append(f"observer {plugin.name!r} failed: {type(error).__name__}: {error}")
        return warnings

    def _specs(self, kind: Kind) -> tuple[Any, ...]:
        offers = self.offers.get(kind, {})
        return tuple(offers[name].spec for name in sorted(offers))


def find_plugins(disabled: Iterable[str] = (), prefer: Mapping[str, str] | None = None) -> Host:
    """Load every plugin of the API group and settle conflicts.

    Args:
        disabled: Entry-point names that are not to be loaded.
        prefer: Spec name -> plugin that shall win it, where two claim one name.

    Raises:
        UsageError: A plugin that is not there is named, or one that does not offer what it shall win.
    """
    off = set(disabled)
    found = metadata.entry_points()
    others = [group for group in sorted(found.groups) if group.startswith("vetgate.") and group != ENTRY_POINT_GROUP]
    plugins = [_load(entry, off) for entry in sorted(found.select(group=ENTRY_POINT_GROUP), key=_order)]
    plugins += [_incompatible(entry) for group in others for entry in sorted(found.select(group=group), key=_order)]
    known = sorted({plugin.name for plugin in plugins})
    for name in [*disabled, *(prefer or {}).values()]:
        if name not in known:
            raise UsageError(
                f"there is no plugin {name!r} (found: {', '.join(known)})", hint="vetgate plugins lists them"
            )
    return _settle(plugins, dict(prefer or {}))


def _order(entry: metadata.EntryPoint) -> tuple[str, str]:
    return entry.name, entry.value


def _incompatible(entry: metadata.EntryPoint) -> Plugin:
    detail = f"it speaks {entry.group}, this vetgate speaks {ENTRY_POINT_GROUP}; its code was not imported"
    return Plugin(entry.name, *_origin(entry), entry.value, Status.INCOMPATIBLE, detail)


def _origin(entry: metadata.EntryPoint) -> tuple[str, str]:
    return _identity(entry.dist) if entry.dist else ("unknown", "0")


@lru_cache(maxsize=64)
def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    """Return name and version, for which its whole description is read."""
    return distribution.name, distribution.version


def _load(entry: metadata.EntryPoint, off: set[str]) -> Plugin:
    """Import one plugin and ask it for its declarations; whatever it raises becomes its status."""
    distribution, version = _origin(entry)
    bare = Plugin(entry.name, distribution, version, entry.value, Status.DISABLED, "switched off by the user")
    if entry.name in off:
        return bare
    try:
        module = entry.load()
        manager = pluggy.PluginManager("vetgate")
        manager.add_hookspecs(Hooks)
        manager.register(module, name=entry.name)
        manager.check_pending()
        offers = tuple(_offers(manager, entry.name, distribution))
    except (Exception, SystemExit) as error:  # a stranger's import may raise anything, also the end of the process
        return replace(bare, status=Status.BROKEN, detail=f"{type(error).__name__}: {error}")
    observers = manager.hook.vetgate_observe.get_hookimpls()
    observe = (lambda event: manager.hook.vetgate_observe(event=event)) if observers else None
    missing = sorted({need for offer in offers for need in offer.missing})
    status, detail = (Status.MISSING_EXTRA, f"needs {', '.join(missing)}") if missing else (Status.READY, "")
    return replace(bare, status=status, detail=detail, offers=offers, observe=observe)


def _offers(manager: pluggy.PluginManager, plugin: str, distribution: str) -> Iterator[Offer]:
    for kind, (hook, expected) in _HOOKS.items():
        answers: list[Iterable[Any]] = getattr(manager.hook, hook)()
        for answer in answers:
            for spec in answer:
                if not isinstance(spec, expected):
                    raise TypeError(f"{hook} returned {spec!r}, not a {expected.__name__}")
                if kind is Kind.CHECK and spec.name in RESERVED:
                    raise ValueError(f"{hook} returned a check named {spec.name!r}, which is what the gate itself says")
                extra = getattr(spec, "extra", None)
                missing = lacking(distribution, extra) if extra else ()
                yield Offer(kind, spec.name, spec, plugin, distribution, missing)


def _claims(offer: Offer) -> list[tuple[str, str]]:
    """Return the names that an offer claims: its own, for a check those of its metrics, for a source its schemes."""
    more = [("metric", metric.id) for metric in offer.spec.metrics] if offer.kind is Kind.CHECK else []
    if offer.kind is Kind.ARTIFACT_SOURCE:
        more = [("scheme", scheme) for scheme in offer.spec.schemes]
    return [(str(offer.kind), offer.name), *more]


def _settle(plugins: list[Plugin], prefer: dict[str, str]) -> Host:
    """Drop every offer whose name two plugins claim, unless the user prefers one of them."""
    claimants: dict[tuple[str, str], list[Offer]] = {}
    for plugin in plugins:
        for offer in plugin.offers:
            for claim in _claims(offer):
                claimants.setdefault(claim, []).append(offer)
    lost: dict[int, str] = {}
    for (what, name), offers in claimants.items():
        if len(offers) > 1:
            _judge_claim(what, name, offers, prefer, lost)
    offers_by_kind: dict[Kind, dict[str, Offer]] = {kind: {} for kind in Kind}
    settled = []
    for plugin in plugins:
        kept = tuple(offer for offer in plugin.offers if id(offer) not in lost)
        for offer in kept:
            offers_by_kind[offer.kind][offer.name] = offer
        conflicts = [lost[id(offer)] for offer in plugin.offers if lost.get(id(offer))]
        status = Status.CONFLICT if conflicts else plugin.status
        settled.append(replace(plugin, status=status, detail="; ".join(conflicts) or plugin.detail, offers=kept))
    return Host(tuple(settled), offers_by_kind)


def _judge_claim(what: str, name: str, offers: list[Offer], prefer: dict[str, str], lost: dict[int, str]) -> None:
    plugins = sorted(offer.plugin for offer in offers)
    wanted = prefer.get(name)
    if wanted is not None and wanted not in plugins:
        raise UsageError(f"plugin {wanted!r} does not offer {what} {name!r}; {' and '.join(plugins)} do")
    for offer in offers:
        if wanted is None:
            claim = f"{what} {name!r} is claimed by {' and '.join(plugins)}; choose with --prefer {name}=PLUGIN"
            lost[id(offer)] = claim
        elif offer.plugin != wanted:
            lost.setdefault(id(offer), "")
