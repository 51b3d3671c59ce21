"""Merges policies by the names of their rules: what extends over what is extended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from vetgate.documents import Document, KeyPath, suggest
from vetgate.domain.artifact import Member
from vetgate.domain.evidence import Severity
from vetgate.domain.policy import Asked, Kinds, Rule, Waiver
from vetgate.domain.record import Record
from vetgate.domain.specs import MetricSpec
from vetgate.policy.language import FindingsText, RuleText, WaiverText
from vetgate.policy.resolve import FINDINGS, Notes, resolve_rule, rule_name

RecordT = TypeVar("RecordT", bound=Record)


@dataclass
class Merged:
    """What a policy and those it extends come to, so far."""

    rules: dict[str, Rule] = field(default_factory=dict)
    waivers: dict[str, Waiver] = field(default_factory=dict)
    halt_at: Severity = Severity.HIGH
    scan: Asked = "preferred"
    isolation: Asked = "preferred"
    artifact: Kinds = "any"
    weights: dict[str, float] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    texts: list[Member] = field(default_factory=list)
    """What was read, a policy before what it extends."""
    whole: bool = True
    """Whether everything below was read without a mistake, so that a name not found is truly not there."""


def merge(document: Document, metrics: Mapping[str, MetricSpec], merged: Merged, notes: Notes) -> None:
    """Merge one document's parts into what it extends, as far as each has a right shape.

    Parts of a wrong shape are in the notes already.
    """
    data = document.data if isinstance(document.data, dict) else {}
    # A base that was not found and a rule that was not understood leave names unknown that may well be meant.
    merged.whole = merged.whole and not any(note.key.startswith(("extends", "metrics")) for note in notes.mistakes)
    seen: dict[str, KeyPath] = {}
    for path, text in _parts(data.get("metrics"), "metrics", RuleText):
        name = rule_name(text, metrics)
        if name in seen and not notes.any_below(path):
            line = document.where(seen[name]).rpartition(":")[2]
            notes.add(path, f"a second rule {name!r} (the first is on line {line}); give one a `name` of its own")
        elif name is not None:
            seen[name] = path
        _merge_rule(text, name, path, metrics, merged, notes)
    findings = _valid(data.get("findings"), FindingsText)
    if findings is not None and findings.halt_at is not None:
        merged.halt_at = Severity[findings.halt_at.upper()]
    _merge_safety(data, merged)
    _merge_weights(data.get("weights"), metrics, merged, notes)
    _merge_waivers(_parts(data.get("waivers"), "waivers", WaiverText), merged, notes)


def _merge_safety(data: Mapping[str, object], merged: Merged) -> None:
    """Take how models are to be scanned and isolated, and what they may be; the later of two policies counts."""
    for key in ("scan", "isolation"):
        if data.get(key) in get_args(Asked):
            setattr(merged, key, data[key])
    kinds = data.get("artifact")
    if kinds == "any" or kinds == "file":
        merged.artifact = kinds


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
    merged: Merged,
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


def _remove(text: RuleText, name: str | None, path: KeyPath, merged: Merged, notes: Notes) -> None:
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


def _merge_weights(data: object, metrics: Mapping[str, MetricSpec], merged: Merged, notes: Notes) -> None:
    for name, weight in data.items() if isinstance(data, dict) else ():
        if name not in metrics:
            notes.add(("weights", name), f"unknown metric {name!r}{suggest(str(name), sorted(metrics))}")
        elif isinstance(weight, int | float) and weight > 0:
            merged.weights[name] = float(weight)


def _merge_waivers(entries: list[tuple[KeyPath, WaiverText]], merged: Merged, notes: Notes) -> None:
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
