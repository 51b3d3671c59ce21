"""What a command line sets in the steps of recipes; a mistake is told before anything is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vetgate.documents import suggest
from vetgate.domain.compress import Recipe, Step
from vetgate.domain.errors import UsageError
from vetgate.domain.setting import Setting, SettingSpec, read_settings, require_allowed
from vetgate.host import Host, Kind

LISTED = 6
"""Recipes that one sentence names; the others are counted."""


@dataclass(frozen=True)
class Settable:
    """One setting of a compressor, for people."""

    name: str
    """As --set takes it, such as `distil.epochs`."""
    allowed: str
    default: str
    """Empty where it must be given, which every recipe on offer does."""
    help: str


def override(recipes: Sequence[Recipe], settings: Mapping[str, Mapping[str, Setting]], host: Host) -> list[Recipe]:
    """Return recipes with settings that none of them states.

    Args:
        recipes: Those of a study.
        settings: By compressor.
        host: Whose compressors are on offer.

    Raises:
        UsageError: A compressor or a setting is unknown, a value is not allowed, no recipe has such a step, or a recipe
            states the setting itself: its name and its label would no longer be true.
    """
    for compressor, given in settings.items():
        _require_settable(compressor, given, recipes, host)
    return [recipe.model_copy(update={"steps": tuple(_set(recipe.steps, settings))}) for recipe in recipes]


def require_sound(recipe: Recipe, text: str, host: Host) -> None:
    """Refuse settings of a --variant that its compressors do not take, as far as these declare any.

    Raises:
        UsageError: One is unknown, missing or not allowed.
    """
    for step in recipe.steps:
        declared = declared_by(step.compressor, host)
        if declared is not None:
            _require_allowed(step.compressor, step.settings, declared, f"--variant {text}")
            try:
                read_settings(step.compressor, step.settings, declared)
            except UsageError as error:
                raise UsageError(f"--variant {text}: {error.message}") from None


def declared_by(compressor: str, host: Host) -> tuple[SettingSpec, ...] | None:
    """Return what a compressor declares of its settings; None where nothing."""
    offer = host.offer(Kind.COMPRESSOR, compressor)
    declared: tuple[SettingSpec, ...] | None = None if offer is None else offer.spec.settings
    return declared


def list_settings(recipes: Iterable[Recipe], host: Host) -> tuple[Settable, ...]:
    """Return what can be set in the steps of recipes, by compressor in the order of its first step."""
    compressors = dict.fromkeys(step.compressor for recipe in recipes for step in recipe.steps)
    return tuple(
        Settable(f"{name}.{spec.name}", spec.allowed, "" if spec.default is None else str(spec.default), spec.help)
        for name in compressors
        for spec in declared_by(name, host) or ()
    )


def _require_settable(compressor: str, given: Mapping[str, Setting], recipes: Sequence[Recipe], host: Host) -> None:
    known = host.names(Kind.COMPRESSOR)
    if compressor not in known:
        raise UsageError(f"--set {compressor}: there is no compressor {compressor!r}{suggest(compressor, known)}")
    declared = declared_by(compressor, host)
    for name, value in given.items():
        told = f"--set {compressor}.{name}={value}"
        if declared is not None:
            _require_allowed(compressor, {name: value}, declared, told)
        steps = [(recipe, step) for recipe in recipes for step in recipe.steps if step.compressor == compressor]
        if not steps:
            raise UsageError(
                f"{told}: no recipe of this study has a step {compressor}",
                hint="vetgate study compress --list shows every recipe and its steps",
            )
        stating = list(dict.fromkeys(recipe.name for recipe, step in steps if name in step.settings))
        if stating:
            states = "states" if len(stating) == 1 else "state"
            raise UsageError(
                f"{told}: {_named(stating)} {states} {name}, and would no longer be what the name says",
                hint=f"--variant {compressor}:{name}={value} makes another variant; --skip leaves recipes out",
            )


def _require_allowed(compressor: str, given: Mapping[str, Setting], declared: Sequence[SettingSpec], told: str) -> None:
    known = [spec.name for spec in declared]
    for name in given:
        if name not in known:
            raise UsageError(
                f"{told}: compressor {compressor!r} has no setting {name!r}{suggest(name, known)}",
                hint=f"it takes {', '.join(known) or 'none'}; vetgate study compress --list shows what each may be",
            )
    try:
        require_allowed(compressor, given, declared)
    except UsageError as error:
        raise UsageError(f"{told}: {error.message}") from None


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{'recipe' if len(names) == 1 else 'recipes'} {', '.join(names[:LISTED])}{more}"


def _set(steps: Iterable[Step], settings: Mapping[str, Mapping[str, Setting]]) -> Iterable[Step]:
    for step in steps:
        more = settings.get(step.compressor, {})
        yield Step(compressor=step.compressor, settings={**step.settings, **more}) if more else step
