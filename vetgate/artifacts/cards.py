"""Finding a model's card: from the user, beside the model, inside it, or from a Hugging Face folder. Never guessed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vetgate.artifacts.hub import CONFIG, PREPROCESSOR, read_hub
from vetgate.documents import Document, Mistakes, as_usage_error, parse, read_record
from vetgate.domain.artifact import Member
from vetgate.domain.card import Card, Input
from vetgate.domain.errors import CardError
from vetgate.domain.source import scheme_of

_NEEDED = {name for name, field in Input.model_fields.items() if field.is_required()}

METADATA_KEY = "vetgate.card"
"""Metadata entry of a model file that holds its card as YAML."""


@dataclass(frozen=True)
class CardSource:
    """A card and where it came from."""

    card: Card
    source: str
    sha256: str
    """Of the card's content, not of its spelling."""
    files: tuple[Member, ...] = ()
    """What it was read from; empty where it stands inside the model."""


def find_card(model: str, explicit: str | None, metadata: Mapping[str, str] | None) -> CardSource | None:
    """Return the card of a model: the user's word, else what lies beside it or inside it.

    Args:
        model: The model file as typed.
        explicit: The file that the user named with --card; it stands over all others.
        metadata: What the model file says about itself, or None while that is not known yet.

    Raises:
        CardError: A card is malformed, or two of them disagree.
    """
    if explicit is not None:
        return _read(Path(explicit))
    beside = Path(f"{model}.yaml")
    found = [_read(beside)] if beside.is_file() else []
    inside = (metadata or {}).get(METADATA_KEY)
    if inside is not None:
        found.append(parse_card(inside, f"metadata of {model}"))
    for other in found[1:]:
        _agree(found[0].source, found[0].card.model_dump(), other.source, other.card.model_dump())
    hub = Path(model).parent / PREPROCESSOR
    if not hub.is_file():
        return found[0] if found else None
    files = hub_files(hub)
    partial = read_hub(hub)
    if found:
        _agree(found[0].source, found[0].card.model_dump(), str(hub), partial)
        return found[0]
    if partial["input"].keys() >= _NEEDED and "kind" in partial["output"]:
        card = _source(_validate(Document(str(hub), {"version": 1, **partial})), str(hub))
        if hub_files(hub) != files:
            raise CardError(f"{hub} changed while it was read", hint="run again when nothing writes to it")
        return replace(card, files=files)
    return None


def parse_card(text: str, source: str) -> CardSource:
    """Return the card that a YAML text holds.

    Raises:
        CardError: Listing every mistake with its line.
    """
    try:
        document = parse(text, source)
    except Mistakes as error:
        raise as_usage_error(error, CardError, f"card {source}") from None
    return _source(_validate(document), source)


def missing_card(model: str) -> CardError:
    """Return the error for a model without a card, saying what to write."""
    hint = f"vetgate inspect {model} --write-card drafts {model}.yaml from what the file shows; fill in the rest"
    if scheme_of(model) is not None:
        hint = (
            "name one with --card FILE, or write it where the model comes from: FILE.yaml beside the model file, the "
            "parameter `vetgate.card` in the config.pbtxt of a server"
        )
    return CardError(
        f"{model} has no card: how to feed it and read it is not known, and vetgate does not guess", hint=hint
    )


def _read(path: Path) -> CardSource:
    try:
        content = path.read_bytes()
        return replace(parse_card(content.decode("utf-8"), str(path)), files=(_member(path, content),))
    except (OSError, UnicodeDecodeError) as error:
        raise CardError(f"card {path} cannot be read: {error}") from None


def hub_files(hub: Path) -> tuple[Member, ...]:
    """Return the files of a Hugging Face folder that make a card.

    Raises:
        CardError: One of them cannot be read.
    """
    there = (file for file in (hub, hub.with_name(CONFIG)) if file.is_file())
    try:
        return tuple(_member(file, file.read_bytes()) for file in there)
    except OSError as error:
        raise CardError(f"card {hub} cannot be read: {error}") from None


def _member(path: Path, content: bytes) -> Member:
    return Member(name=str(path), sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def _validate(document: Document) -> Card:
    try:
        return read_record(document, Card)
    except Mistakes as error:
        raise as_usage_error(error, CardError, f"card {document.source}") from None


def _source(card: Card, source: str) -> CardSource:
    # left out, so that cards that say nothing of it keep the digest that they had before there was such a key
    sections = {name: True for name in ("segmentation", "detection") if getattr(card.output, name) is None}
    unsaid: dict[str, Any] = {"output": sections, "execution": True}
    if card.execution is not None:
        later = ("provider", "threads", "fallback", "options")
        unsaid["execution"] = {name for name in later if getattr(card.execution, name) in (None, {})}
    return CardSource(card, source, hashlib.sha256(card.model_dump_json(exclude=unsaid).encode()).hexdigest())


def _agree(first: str, one: Mapping[str, Any], second: str, other: Mapping[str, Any], path: str = "") -> None:
    """Raise CardError at the first key that both give with different values."""
    for key, value in other.items():
        mine = one.get(key)
        if isinstance(value, Mapping) and isinstance(mine, Mapping):
            _agree(first, mine, second, value, f"{path}{key}.")
        elif mine is not None and value is not None and not _same(mine, value):
            raise CardError(
                f"{first} and {second} disagree on {path}{key}: {mine} and {value}",
                hint="mend one of them, or name the right one with --card",
            )


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-6 * max(abs(one), abs(other))
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other
