"""Which variants a study makes: what compressors offer, what the command line adds, and what each lacks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from vetgate.documents import suggest
from vetgate.domain.compress import Recipe, Step, Takes, Wants
from vetgate.domain.errors import UsageError
from vetgate.domain.request import StudyRequest
from vetgate.domain.setting import Setting
from vetgate.domain.specs import CompressorSpec
from vetgate.gate.setting import Settable, list_settings, override, require_sound
from vetgate.host import Host, Kind, Offer

EXPORT = "float32"
"""The compressor that writes a module to ONNX unchanged; what works on ONNX files begins with it."""
SEQUENCES = "In sequence"
"""Family of recipes of several steps."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_LONGEST_NAME = 80
"""Characters of a name made of what --variant says."""
_WIDER = "choose more with --only, leave less out with --skip, or add a --variant"
_FIRST = "{} works on the PyTorch module, so it can only be the first step"
_FLAGS = {
    Wants.TRAINING: "labelled images to train on: --train-data PATH",
    Wants.CALIBRATION: "images to calibrate on: --calibration-data PATH, or --train-data PATH to draw them from",
    Wants.DONOR: "another trained model of the same architecture: --donor MODEL",
}


@dataclass(frozen=True)
class Given:
    """What a study has to make variants of, besides the reference."""

    training: bool = False
    """Labelled images."""
    calibration: bool = False
    donor: bool = False

    def lacks(self, wants: Iterable[Wants]) -> tuple[Wants, ...]:
        """Return what is wanted and not given."""
        there = {Wants.TRAINING: self.training, Wants.CALIBRATION: self.calibration, Wants.DONOR: self.donor}
        return tuple(want for want in Wants if want in set(wants) and not there[want])


def choose(
    host: Host,
    *,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    variants: Sequence[str] = (),
    settings: Mapping[str, Mapping[str, Setting]] | None = None,
) -> tuple[Recipe, ...]:
    """Return the recipes of a study, in the order of their families.

    Args:
        host: Whose compressors are on offer.
        only: Patterns of names or families; empty takes all.
        skip: Likewise, what is left out.
        variants: More recipes, `STEP[:NAME=VALUE,...][+STEP...]`; patterns do not touch them.
        settings: What recipes do not state of their steps, by compressor.

    Raises:
        UsageError: A pattern matches nothing, patterns leave nothing, a step or a setting is unknown, a setting is
            wrong or stated by a recipe already, or two recipes share a name.
    """
    offered = [recipe for spec in _declared(host) for recipe in spec.recipes]
    for patterns, flag in ((only, "--only"), (skip, "--skip")):
        _require_matches(patterns, flag, offered)
    kept = [
        recipe for recipe in offered if (not only or _matches(recipe, only)) and not (skip and _matches(recipe, skip))
    ]
    kept, added = _by_family(kept), {}
    for text in variants:
        recipe = parse_recipe(text, host)
        if not any(other.steps == recipe.steps for other in kept):
            kept.append(recipe)
            added[recipe.name] = text
    if not kept:
        raise UsageError("nothing is left to make", hint=_WIDER if offered else "vetgate plugins shows what is missing")
    _require_distinct(kept)
    chosen = override(kept, settings or {}, host)
    for recipe in chosen:
        if recipe.name in added:
            require_sound(recipe, added[recipe.name], host)
    return tuple(chosen)


def _declared(host: Host) -> list[CompressorSpec]:
    """Return the compressors on offer as plugins declare them: that is the order of the deviation table."""
    offers = (offer for plugin in host.plugins for offer in plugin.offers)
    return [offer.spec for offer in offers if offer.kind is Kind.COMPRESSOR]


def _by_family(recipes: Sequence[Recipe]) -> list[Recipe]:
    """Return recipes with those of one family side by side, families as they first come, those in sequence last."""
    families = list(dict.fromkeys(recipe.family for recipe in recipes))
    return sorted(recipes, key=lambda recipe: (len(recipe.steps) > 1, families.index(recipe.family)))


def _matches(recipe: Recipe, patterns: Sequence[str]) -> bool:
    words = (recipe.name.lower(), recipe.family.lower())
    return any(fnmatchcase(word, pattern.lower()) for pattern in patterns for word in words)


def _require_matches(patterns: Sequence[str], flag: str, recipes: Sequence[Recipe]) -> None:
    known = [*(recipe.name for recipe in recipes), *dict.fromkeys(recipe.family for recipe in recipes)]
    for pattern in patterns:
        if not any(_matches(recipe, (pattern,)) for recipe in recipes):
            raise UsageError(
                f"{flag} {pattern}: no recipe or family is called so{suggest(pattern, known)}",
                hint="vetgate study compress --list shows every recipe",
            )


def _require_distinct(recipes: Sequence[Recipe]) -> None:
    names = [recipe.name for recipe in recipes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        makers = " and ".join("+".join(step.compressor for step in recipe.steps) for recipe in recipes)
        raise UsageError(
            f"two recipes are called {twice!r}, of {makers if len(recipes) == 2 else 'different steps'}",
            hint="leave one out with --skip, or switch a plugin off with --disable",
        )


def parse_recipe(text: str, host: Host) -> Recipe:
    """Return the recipe that `prune-l1:rate=0.6+int8-dynamic` means; a step may be a compressor or a recipe on offer.

    Raises:
        UsageError: It is malformed, names a step that nobody offers, or one after others that must be the first.
    """
    offered = {recipe.name: recipe for spec in host.compressors() for recipe in spec.recipes}
    parts = [_parse_step(part.strip(), text, offered, host) for part in text.split("+")]
    steps = tuple(step for part in parts for step in part)
    for step in steps[1:]:
        if _must_be_first(host.offer(Kind.COMPRESSOR, step.compressor)):
            raise UsageError(f"--variant {text}: {_FIRST.format(step.compressor)}")
    name = _file_name(text)
    if len(steps) > 1:
        return Recipe(name=name, family=SEQUENCES, label=text, steps=steps)
    spec = next(spec for spec in host.compressors() if spec.name == steps[0].compressor)
    family = spec.recipes[0].family if spec.recipes else spec.name
    label = ", ".join(f"{key} {value}" for key, value in steps[0].settings.items())
    return Recipe(name=name, family=family, label=label or spec.name, steps=steps)


def _file_name(text: str) -> str:
    """Return a file name that tells what a variant is; what is cut off a long one is told by a digest."""
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", text.replace(" ", "").replace("=", "")).strip("-._+")
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _parse_step(part: str, whole: str, offered: Mapping[str, Recipe], host: Host) -> tuple[Step, ...]:
    name, colon, rest = part.partition(":")
    if not name or (colon and not rest):
        raise UsageError(f"--variant {whole}: {part!r} is no step", hint="write COMPRESSOR:NAME=VALUE+COMPRESSOR")
    settings = dict(_parse_setting(pair, whole) for pair in rest.split(",")) if colon else {}
    known = host.names(Kind.COMPRESSOR)
    if name in known:
        return (Step(compressor=name, settings=settings),)
    if name in offered and not settings:
        return offered[name].steps
    if name in offered:
        raise UsageError(f"--variant {whole}: {name} is a recipe, which has its settings; name its compressor instead")
    raise UsageError(
        f"--variant {whole}: there is no compressor {name!r}{suggest(name, [*known, *offered])}",
        hint="vetgate study compress --list shows every recipe and its steps",
    )


def _parse_setting(pair: str, whole: str) -> tuple[str, Setting]:
    name, equals, value = pair.partition("=")
    if not equals or not name or not value:
        raise UsageError(f"--variant {whole}: {pair!r} is not of the form NAME=VALUE")
    return name.strip(), parse_value(value.strip())


def parse_value(text: str) -> Setting:
    """Return the number that a text is, else the text."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if abs(number) < float("inf"):  # neither infinite nor NaN
            return number
    return text


def specs_of(recipe: Recipe, host: Host) -> tuple[CompressorSpec, ...]:
    """Return the compressors of a recipe's steps; those that nobody offers are left out."""
    offers = (host.offer(Kind.COMPRESSOR, step.compressor) for step in recipe.steps)
    return tuple(offer.spec for offer in offers if offer is not None)


def lacking(recipe: Recipe, given: Given, host: Host) -> str:
    """Return why a recipe cannot be made here whatever the model is, and what to give; empty where it can be."""
    if not _FILE_NAME.fullmatch(recipe.name):
        return f"the recipe has the name {recipe.name!r}, which is no file name"
    for place, step in enumerate(recipe.steps):
        offer = host.offer(Kind.COMPRESSOR, step.compressor)
        told = _unable(step, place, offer, host)
        if told:
            return told
    wants = {want for spec in specs_of(recipe, host) for want in spec.wants}
    missing = given.lacks(wants)
    return "needs " + "; and ".join(_FLAGS[want] for want in missing) if missing else ""


def _unable(step: Step, place: int, offer: Offer | None, host: Host) -> str:
    if offer is None:
        return f"no plugin offers the compressor {step.compressor!r}"
    if offer.missing:
        return f"needs {', '.join(offer.missing)}: pip install '{offer.distribution}[{offer.spec.extra}]'"
    return _FIRST.format(step.compressor) if place and _must_be_first(offer) else ""


def _must_be_first(offer: Offer | None) -> bool:
    return offer is not None and offer.spec.takes is Takes.MODULE


@dataclass(frozen=True)
class Outlook:
    """One recipe, before anything is made."""

    name: str
    family: str
    steps: str
    """As a command line would say them."""
    lack: str
    """Why it cannot be made with what is given; empty where it may."""


@dataclass(frozen=True)
class Menu:
    """What a study would make, and what can be set."""

    recipes: tuple[Outlook, ...]
    settings: tuple[Settable, ...]


def list_recipes(request: StudyRequest, host: Host) -> Menu:
    """Return the recipes of a study and what each lacks, as far as that can be told without opening anything.

    Raises:
        UsageError: As `choose` says.
    """
    images = request.train_data is not None
    given = Given(images, images or request.calibration_data is not None, request.donor is not None)
    chosen = choose(host, only=request.only, skip=request.skip, variants=request.variants, settings=request.settings)
    plans = (Outlook(recipe.name, recipe.family, _spelled(recipe), lacking(recipe, given, host)) for recipe in chosen)
    return Menu(tuple(plans), list_settings(chosen, host))


def _spelled(recipe: Recipe) -> str:
    steps = []
    for step in recipe.steps:
        settings = ",".join(f"{name}={value}" for name, value in step.settings.items())
        steps.append(f"{step.compressor}:{settings}" if settings else step.compressor)
    return "+".join(steps)
