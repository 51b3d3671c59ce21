"""YAML people write, with the line of every key, and the errors that point there."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from vetgate.domain.errors import UsageError
from vetgate.domain.record import Record

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

KeyPath = tuple[str | int, ...]
RecordT = TypeVar("RecordT", bound=Record)

DRAFT_MARK = "FILL-IN"
"""What a drafted document holds where its reader must decide."""
LONGEST = 1_000_000
"""Characters; a longer document is refused, for cards come with untrusted models."""
DEEPEST = 50
"""Levels of nesting; the C loader recurses without a bound and takes the whole process down at some 100,000."""
_MAPPING = "expected `key: value` pairs"
"""pydantic tells the name of a class."""


@dataclass(frozen=True)
class Document:
    """A parsed document: plain data, and where each key stands."""

    source: str
    """File name for messages."""
    data: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """Line, from 1, by key path."""

    def where(self, path: KeyPath) -> str:
        """Return `file:line` of the key, or of the nearest key above it that is written down."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return f"{self.source}:{self.lines[path[:length]]}"
        return self.source


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with a document."""

    where: str
    """`file:line`"""
    key: str
    """Key path such as `metrics[2].at_least`; empty for the whole document."""
    message: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.where}: {key}{self.message}"


class Mistakes(Exception):
    """Everything wrong with one document, in the order of its lines."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def parse(text: str, source: str) -> Document:
    """Parse one YAML document.

    Args:
        text: The document. Aliases are refused (a few lines can stand for gigabytes), and so are duplicate keys.
        source: File name for messages.

    Raises:
        Mistakes: It is no YAML, longer than `LONGEST` or deeper than `DEEPEST`, or holds a duplicate key or an alias.
    """
    if len(text) > LONGEST:
        raise Mistakes([Mistake(source, "", f"longer than {LONGEST:,} characters")])
    loader = _LOADER(text)
    try:
        _require_shallow(text, source)
        node = loader.get_single_node()
        if node is None:
            return Document(source, None)
        lines: dict[KeyPath, int] = {}
        _walk(node, (), lines, source, set())
        return Document(source, loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{source}:{mark.line + 1}" if mark else source
        raise Mistakes([Mistake(where, "", error.problem or "not a YAML document")]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Mistakes([Mistake(source, "", f"not a YAML document: {error}")]) from None
    finally:
        loader.dispose()


def _require_shallow(text: str, source: str) -> None:
    depth = 0
    for event in yaml.parse(text, _LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise Mistakes([Mistake(source, "", f"nested deeper than {DEEPEST} levels")])


def _walk(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], source: str, seen: set[int]) -> None:
    """Note the line of every key below `node`; refuse aliases (a node met twice) and duplicate keys."""
    if id(node) in seen:
        raise Mistakes(
            [Mistake(f"{source}:{node.start_mark.line + 1}", key_text(path), "aliases are not allowed; write it out")]
        )
    seen.add(id(node))
    lines.setdefault(path, node.start_mark.line + 1)
    for key, child, line in _children(node):
        inner = (*path, key)
        if isinstance(node, yaml.MappingNode) and inner in lines:
            raise Mistakes([Mistake(f"{source}:{line}", key_text(inner), "this key is given twice")])
        lines[inner] = line
        _walk(child, inner, lines, source, seen)


def _children(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Node, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield index, value, value.start_mark.line + 1


def key_text(path: KeyPath) -> str:
    """Return a key path as people write it: `metrics[2].at_least`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def suggest(word: str, known: list[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def read_record(document: Document, record: type[RecordT]) -> RecordT:
    """Return the document as a record.

    Raises:
        Mistakes: Each unknown key (with a suggestion), missing key and wrong value, with its line.
    """
    if not isinstance(document.data, dict):
        raise Mistakes([Mistake(document.where(()), "", "expected keys and values at the top")])
    try:
        return record.model_validate(document.data)
    except ValidationError as error:
        entries = [dict(entry) for entry in error.errors(include_url=False)]
        grave = [entry for entry in entries if not _is_aside(entry)] or entries
        told = [_mistake(document, record, entry) for entry in grave]
        raise Mistakes(list(dict.fromkeys(told))) from None


def _mistake(document: Document, record: type[Record], entry: dict[str, Any]) -> Mistake:
    path = tuple(
        part for part in entry["loc"] if _is_key(document.data, part) or isinstance(part, int) or "[" not in str(part)
    )
    where = document.where(path)
    if entry["type"] == "extra_forbidden":
        known = sorted(_fields(record))
        return Mistake(where, key_text(path), f"unknown key{suggest(str(path[-1]), known)}")
    if entry["type"] == "missing":
        return Mistake(where, key_text(path), "is missing")
    if entry["input"] == DRAFT_MARK:
        return Mistake(where, key_text(path), f"is still {DRAFT_MARK}")
    told = _MAPPING if entry["type"] in ("model_type", "dict_type") else entry["msg"].removeprefix("Value error, ")
    return Mistake(where, key_text(path), f"{told} (got {_short(entry['input'])})")


def _is_aside(entry: dict[str, Any]) -> bool:
    """Return whether it says that keys and values are no word that might stand there: what is wrong in them is told."""
    return entry["type"] == "literal_error" and isinstance(entry["input"], dict) and "[" in str(entry["loc"][-1])


def _is_key(data: object, part: object) -> bool:
    return isinstance(data, dict) and part in data


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _fields(record: type[Record]) -> set[str]:
    """Return the field names of a record and of the records inside it, for suggestions."""
    names: set[str] = set()
    pending: list[object] = [record]
    while pending:
        current = pending.pop()
        if isinstance(current, type) and issubclass(current, Record):
            for name, info in current.model_fields.items():
                if name not in names:
                    names.add(name)
                    pending.append(info.annotation)
        else:
            pending.extend(getattr(current, "__args__", ()))
    return names


def as_usage_error(error: Mistakes, kind: Callable[..., UsageError], what: str, hint: str = "") -> UsageError:
    """Return `error` as one usage error that lists every mistake on its own line."""
    count = len(error.mistakes)
    plural = "mistake" if count == 1 else "mistakes"
    listing = "\n".join(f"  {mistake}" for mistake in error.mistakes)
    return kind(f"{what} has {count} {plural}:\n{listing}", hint=hint)
