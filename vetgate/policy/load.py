"""Loads a policy: finds it, follows `extends`, and reports every mistake at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vetgate.documents import Document, Mistake, Mistakes, as_usage_error, parse, read_record, suggest
from vetgate.domain.artifact import Member
from vetgate.domain.errors import PolicyError
from vetgate.domain.policy import Policy, Rule
from vetgate.domain.report import PolicySummary
from vetgate.domain.specs import MetricSpec, PolicySpec
from vetgate.policy.language import PolicyText
from vetgate.policy.merge import Merged, merge
from vetgate.policy.resolve import Notes

LIST_HINT = "vetgate policy list"


@dataclass(frozen=True)
class LoadedPolicy:
    """A resolved policy and where it came from."""

    policy: Policy
    source: str
    """The path as given, or `NAME (carried)`."""
    where: Mapping[str, str] = field(default_factory=dict)
    """`file:line` of each rule by name, and of each waiver by `waiver:RULE`."""
    texts: tuple[Member, ...] = ()
    """The file or carried text that it was read from, then those that it extends."""

    @property
    def summary(self) -> PolicySummary:
        """Return what the report says of it."""
        return PolicySummary(name=self.policy.name, sha256=self.policy.sha256, source=self.source, texts=self.texts)


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
    if _is_file(path):
        return _Place(path.stem, path)
    if named_as_file:
        raise PolicyError(
            f"policy file {str(path)!r} does not exist",
            hint=f"vetgate policy init writes one; {LIST_HINT} lists the carried ones",
        )
    known = sorted(carried)
    raise PolicyError(
        f"unknown policy {name_or_path!r}{suggest(name_or_path, known)} (carried are: {', '.join(known) or 'none'})",
        hint=LIST_HINT,
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is longer than any file's
        return False


def resolve(place: _Place, carried: Mapping[str, PolicySpec], metrics: Mapping[str, MetricSpec]) -> LoadedPolicy:
    """Return the policy of a place.

    Raises:
        Mistakes: Everything wrong with it and with what it extends, by document and line.
        PolicyError: The text cannot be read.
    """
    merged, mistakes = Merged(), list[Mistake]()
    text = _follow(place, (), carried, metrics, merged, mistakes)
    if mistakes or text is None:
        raise Mistakes(mistakes)
    rules, waivers = tuple(merged.rules.values()), tuple(merged.waivers.values())
    policy = Policy(
        name=text.name,
        summary=text.summary.strip(),
        rules=rules,
        halt_at=merged.halt_at,
        scan=merged.scan,
        isolation=merged.isolation,
        artifact=merged.artifact,
        waivers=waivers,
        weights=merged.weights,
        sha256=_digest(merged),
    )
    return LoadedPolicy(policy, place.source, merged.where, tuple(merged.texts))


def _digest(merged: Merged) -> str:
    """Return the SHA-256 of canonical JSON; the words are left out, for they follow from the rest."""
    content = {
        "rules": [_content(rule) for rule in merged.rules.values()],
        "halt_at": merged.halt_at.name.lower(),
        "waivers": [waiver.model_dump(mode="json") for waiver in merged.waivers.values()],
        "weights": merged.weights,
    }
    # what is not asked for is left out, so that policies from before it could be asked for keep their digests
    content |= {
        key: asked for key, asked in (("scan", merged.scan), ("isolation", merged.isolation)) if asked == "required"
    }
    content |= {"artifact": merged.artifact} if merged.artifact == "file" else {}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _content(rule: Rule) -> dict[str, object]:
    requires = rule.requires
    unsaid = {"requires": {"fallback"}} if requires is not None and requires.fallback is None else {}
    return rule.model_dump(mode="json", exclude={"words": True, **unsaid})


def _follow(
    place: _Place,
    chain: tuple[_Place, ...],
    carried: Mapping[str, PolicySpec],
    metrics: Mapping[str, MetricSpec],
    merged: Merged,
    mistakes: list[Mistake],
) -> PolicyText | None:
    """Merge a policy, and first what it extends, into `merged`; return its text, None where its shape is wrong."""
    try:
        document = parse(_read(place, carried, merged), place.source)
    except Mistakes as error:
        mistakes += error.mistakes
        merged.whole = False
        return None
    notes = Notes(document)
    base = _base(document, (*chain, place), carried, notes)
    if base is not None:
        _follow(base, (*chain, place), carried, metrics, merged, mistakes)
    text = _shape(document, notes)
    merge(document, metrics, merged, notes)
    merged.whole = merged.whole and not notes.mistakes
    mistakes += sorted(dict.fromkeys(notes.mistakes), key=_line)
    return text


def _read(place: _Place, carried: Mapping[str, PolicySpec], merged: Merged) -> str:
    try:
        content = carried[place.name].read().encode() if place.path is None else place.path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        merged.texts.append(Member(name=place.source, sha256=digest, size=len(content)))
        return content.decode("utf-8")
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
