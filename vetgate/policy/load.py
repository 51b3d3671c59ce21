"""Loads a policy: finds it, follows `extends`, merges rules by name, and reports every mistake at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from vetgate.documents import Document, KeyPath, Mistake, Mistakes, as_usage_error, parse, read_record, suggest
from vetgate.domain.errors import PolicyError
from vetgate.domain.evidence import Severity
from vetgate.domain.policy import Policy, Rule, Waiver
from vetgate.domain.record import Record
from vetgate.domain.specs import MetricSpec, PolicySpec
from vetgate.policy.language import FindingsText, PolicyText, RuleText, WaiverText
from vetgate.policy.resolve import FINDINGS, Notes, resolve_rule, rule_name

LIST_HINT = "vetgate policy list"
RecordT = TypeVar("RecordT", bound=Record)


@dataclass(frozen=True)
class LoadedPolicy:
    """A resolved policy and where it came from."""

    policy: Policy
    source: str
    """The path as given, or `NAME (carried)`."""
    where: Mapping[str, str] = field(default_factory=dict)
    """`file:line` of each rule by name, and of each waiver by `waiver:RULE`."""


@dataclass(frozen=True)
class _Place:
    """Where a policy's text stands."""

    name: str
    path: Path | None
    """None for a carried policy."""

    @property
    def source(self) -> str:
        return f"{self.name} (carried)" if self.path is None else str(self.path)

    @property
    def identity(self) -> str:
        return self.source if self.path is None else str(self.path.resolve())


@dataclass
class _Merged:
    """What a policy and those it extends come to, so far."""

    rules: dict[str, Rule] = field(default_factory=dict)
    waivers: dict[str, Waiver] = field(default_factory=dict)
    halt_at: Severity = Severity.HIGH
    where: dict[str, str] = field(default_factory=dict)
    whole: bool = True
    """Whether everything below was read without a mistake, so that a name not found is truly not there."""


def load(name_or_path: str, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]) -> LoadedPolicy:
    """Return the resolved policy.

    Args:
        name_or_path: The name of a carried policy, or a file: anything with a path separator or the suffix .yaml or
            .yml, or an existing file of that name.
        carried: The policies that plugins carry, by name.
        metrics: The known metrics, by id.

    Raises:
        PolicyError: There is no such policy, or it has mistakes; all of them are listed by line.
    """
    place = find(name_or_path, carried, None)
    try:
        return resolve(place, carried, metrics)
    except Mistakes as error:
        what = f"policy {place.source!r}"
        raise as_usage_error(error, PolicyError, what, hint=f"vetgate policy lint {name_or_path}") from None


def find(name_or_path: str, carried: Mapping[str, PolicySpec], folder: Path | None) -> _Place:
    """Return where a policy stands.

    Args:
        name_or_path: As for load.
        carried: The policies that plugins carry, by name.
        folder: What relative paths are relative to; None for the working directory.

    Raises:
        PolicyError: No carried policy has this name, or the file does not exist.
    """
    path = Path(name_or_path) if folder is None else folder / name_or_path
    named_as_file = "/" in name_or_path or "\\" in name_or_path or path.suffix in (".yaml", ".yml")
    if not named_as_file and name_or_path in carried:
        return _Place(name_or_path, None)
    if path.is_file():
        return _Place(path.stem, path)
    if named_as_file:
        raise PolicyError(f"policy file {str(path)!r} does not exist", hint=LIST_HINT)
    known = sorted(carried)
    raise PolicyError(
        f"unknown policy {name_or_path!r}{suggest(name_or_path, known)} (carried are: {', '.join(known) or 'none'})",
        hint=LIST_HINT,
    )


def resolve(place: _Place, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]) -> LoadedPolicy:
    """Return the policy of a place.

    Raises:
        Mistakes: Everything wrong with it and with what it extends, by document and line.
        PolicyError: The text cannot be read.
    """
    merged, mistakes = _Merged(), list[Mistake]()
    text = _follow(place, (), carried, metrics, merged, mistakes)
    if mistakes or text is None:
        raise Mistakes(mistakes)
    rules, waivers = tuple(merged.rules.values()), tuple(merged.waivers.values())
    policy = Policy(
        name=text.name,
        summary=text.summary.strip(),
        rules=rules,
        halt_at=merged.halt_at,
        waivers=waivers,
        sha256=_digest(rules, merged.halt_at, waivers),
    )
    return LoadedPolicy(policy, place.source, merged.where)


def _digest(rules: tuple[Rule, ...], halt_at: Severity, waivers: tuple[Waiver, ...]) -> str:
    """Return the SHA-256 of canonical JSON; the words are left out, for they follow from the rest."""
    content = {
        "rules": [rule.model_dump(mode="json", exclude={"words"}) for rule in rules],
        "halt_at": halt_at.name.lower(),
        "waivers": [waiver.model_dump(mode="json") for waiver in waivers],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _follow(
    place: _Place,
    chain: tuple[_Place, ...],
    carried: Mapping[str, PolicySpec],
    metrics: Mapping[str, MetricSpec],
    merged: _Merged,
    mistakes: list[Mistake],
) -> PolicyText | None:
    """Merge a policy, and first what it extends, into `merged`; return its text, None where its shape is wrong."""
    try:
        document = parse(_read(place, carried), place.source)
    except Mistakes as error:
        mistakes += error.mistakes
        merged.whole = False
        return None
    notes = Notes(document)
    base = _base(document, (*chain, place), carried, notes)
    if base is not None:
        _follow(base, (*chain, place), carried, metrics, merged, mistakes)
    text = _shape(document, notes)
    _merge(document, metrics, merged, notes)
    merged.whole = merged.whole and not notes.mistakes
    mistakes += sorted(dict.fromkeys(notes.mistakes), key=_line)
    return text


def _read(place: _Place, carried: Mapping[str, PolicySpec]) -> str:
    try:
        return carried[place.name].read() if place.path is None else place.path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"policy {place.source!r} cannot be read: {error}") from None


def _line(mistake: Mistake) -> int:
    number = mistake.where.rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def _base(
    document: Document, chain: tuple[_Place, ...], carried: Mapping[str, PolicySpec], notes: Notes
) -> _Place | None:
    """Return what the last policy of the chain extends; note a name that leads nowhere or back."""
    name = document.data.get("extends") if isinstance(document.data, dict) else None
    if not isinstance(name, str):
        return None
    path = chain[-1].path
    try:
        base = find(name, carried, path.parent if path else None)
    except PolicyError as error:
        notes.add(("extends",), error.message)
        return None
    if path is None and base.path is not None:
        notes.add(("extends",), f"a carried policy can extend only carried ones, not the file {name!r}")
        return None
    if base.identity in {place.identity for place in chain}:
        circle = " -> ".join(place.source for place in (*chain, base))
        notes.add(("extends",), f"extends itself: {circle}")
        return None
    return base


def _shape(document: Document, notes: Notes) -> PolicyText | None:
    try:
        return read_record(document, PolicyText)
    except Mistakes as error:
        notes.mistakes += error.mistakes
        return None


def _merge(document: Document, metrics: Mapping[str, MetricSpec], merged: _Merged, notes: Notes) -> None:
    """Merge one document's rules, limit and waivers into what it extends, as far as each part has a right shape.

    Parts of a wrong shape are in the notes already.
    """
    data = document.data if isinstance(document.data, dict) else {}
    # A base that was not found and a rule that was not understood leave names unknown that may well be meant.
    merged.whole = merged.whole and not any(note.key.startswith(("extends", "metrics")) for note in notes.mistakes)
    seen: dict[str, KeyPath] = {}
    for path, text in _parts(data.get("metrics"), "metrics", RuleText):
        name = rule_name(text, metrics)
        if name in seen:
            line = document.where(seen[name]).rpartition(":")[2]
            notes.add(path, f"a second rule {name!r} (the first is on line {line}); give one a `name` of its own")
        elif name is not None:
            seen[name] = path
        _merge_rule(text, name, path, metrics, merged, notes)
    findings = _valid(data.get("findings"), FindingsText)
    if findings is not None and findings.halt_at is not None:
        merged.halt_at = Severity[findings.halt_at.upper()]
    _merge_waivers(_parts(data.get("waivers"), "waivers", WaiverText), merged, notes)


def _parts(data: object, key: str, record: type[RecordT]) -> list[tuple[KeyPath, RecordT]]:
    """Return the entries of a list that have the record's shape, each with its key path."""
    if not isinstance(data, list):
        return []
    records = (((key, index), _valid(entry, record)) for index, entry in enumerate(data))
    return [(path, entry) for path, entry in records if entry is not None]


def _valid(data: Any, record: type[RecordT]) -> RecordT | None:  # noqa: ANN401  # YAML holds anything
    """Return data as a record; without the keys that are wrong, where it makes one without them; else None."""
    try:
        return record.model_validate(data)
    except ValidationError as error:
        wrong = {entry["loc"][0] for entry in error.errors() if entry["loc"]}
    if not isinstance(data, dict) or not wrong & data.keys():
        return None
    return _valid({key: value for key, value in data.items() if key not in wrong}, record)


def _merge_rule(
    text: RuleText,
    name: str | None,
    path: KeyPath,
    metrics: Mapping[str, MetricSpec],
    merged: _Merged,
    notes: Notes,
) -> None:
    if text.remove:
        _remove(text, name, path, merged, notes)
        return
    rule = resolve_rule(text, path, metrics, notes)
    if rule is None:
        merged.whole = False
        return
    merged.rules[rule.name] = rule
    merged.where[rule.name] = notes.document.where(path)
    # An inherited waiver vouched for the rule that this one replaces.
    merged.waivers.pop(rule.name, None)


def _remove(text: RuleText, name: str | None, path: KeyPath, merged: _Merged, notes: Notes) -> None:
    surplus = sorted(text.model_fields_set - {"name", "metric", "of", "slice", "remove"})
    if name is None:
        notes.add(path, "names no rule to remove; write its `name`")
    elif surplus:
        notes.add((*path, surplus[0]), f"means nothing beside `remove: true`; drop `{surplus[0]}` or `remove`")
    elif name not in merged.rules and merged.whole:
        known = sorted(merged.rules)
        notes.add(path, f"there is no rule {name!r} to remove{suggest(name, known) or _among(known)}")
    else:
        merged.rules.pop(name, None)
        merged.waivers.pop(name, None)


def _merge_waivers(entries: list[tuple[KeyPath, WaiverText]], merged: _Merged, notes: Notes) -> None:
    known, seen = sorted(merged.rules), set[str]()
    for path, text in entries:
        key = (*path, "rule")
        if text.rule == FINDINGS:
            notes.add(key, "findings cannot be waived; raise `findings: {halt_at: ...}` instead")
        elif text.rule in seen:
            notes.add(key, f"a second waiver of {text.rule!r}")
        elif text.rule not in merged.rules and merged.whole:
            notes.add(key, f"there is no rule {text.rule!r} to waive{suggest(text.rule, known) or _among(known)}")
        seen.add(text.rule)
        merged.waivers[text.rule] = Waiver(rule=text.rule, reason=text.reason, owner=text.owner, expires=text.expires)
        merged.where[f"waiver:{text.rule}"] = notes.document.where(path)


def _among(known: list[str]) -> str:
    return f" (rules are: {', '.join(known)})" if known else " (there are no rules)"
