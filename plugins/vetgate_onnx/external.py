"""Finds the external data files that ship with an ONNX model, without the onnx package."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from vetgate.api import UnreadableArtifact
from vetgate_onnx.wire import CHILDREN, LENGTH, VARINT, Field, Kind, TruncatedError, Window, WireError

_MARK = b"location"
"""Key under which every external tensor names its file."""
_SMALL = 1 << 16
"""Bytes up to which a message is searched for the key before it is walked."""
_LONGEST_NAME = 4096
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1
_DEEPEST = 64
_MOST_FIELDS = 1_000_000
"""Fields that are walked in all, in the gate itself; a model of 30,000 external tensors has half as many."""
_SINGULAR = frozenset({(Kind.ATTRIBUTE, 5), (Kind.ATTRIBUTE, 22), (Kind.SPARSE_TENSOR, 1), (Kind.SPARSE_TENSOR, 2)})
"""Tensors that a parser would merge when they come twice; half a file name could hide in each."""
_AGAIN = "export, convert or copy it again"


def members(path: Path) -> tuple[str, ...]:
    """Return the relative paths of the external data files of a model, each once, in the order of the file.

    Raises:
        UnreadableArtifact: The model is truncated or malformed, or names a file that is missing or lies elsewhere.
    """
    try:
        with path.open("rb") as file:
            window = Window(file, path.stat().st_size, _MOST_FIELDS)
            found: dict[str, None] = {}
            for location in _locations(window, Field(0, LENGTH, 0, window.size), Kind.MODEL, 0):
                # each is checked as it comes: a hostile file could name more than memory holds
                if location not in found:
                    found[_checked(path, location)] = None
    except TruncatedError as error:
        raise UnreadableArtifact(f"{path.name} is a truncated ONNX file: {error}", hint=_AGAIN) from None
    except (WireError, UnicodeDecodeError) as error:
        raise UnreadableArtifact(f"{path.name} is a damaged ONNX file: {error}", hint=_AGAIN) from None
    return tuple(found)


def _locations(window: Window, message: Field, kind: Kind, depth: int) -> Iterator[str]:
    """Yield the file names of the external tensors in a message."""
    if depth > _DEEPEST:
        raise WireError("its graphs are nested too deeply")
    if kind is Kind.TENSOR:
        yield from _tensor_locations(window, message)
        return
    seen: set[int] = set()
    for field in window.fields(message.start, message.end):
        child = CHILDREN[kind].get(field.number)
        if child is None or field.wire != LENGTH or field.end > message.end:
            continue
        if field.number in seen and (kind, field.number) in _SINGULAR:
            raise WireError(f"a tensor at byte {field.start} is given twice")
        seen.add(field.number)
        if _may_hold_names(window, field):
            yield from _locations(window, field, child, depth + 1)


def _may_hold_names(window: Window, field: Field) -> bool:
    length = field.end - field.start
    return length > _SMALL or _MARK in window.read(field.start, length)


def _tensor_locations(window: Window, tensor: Field) -> Iterator[str]:
    """Yield what an external tensor names; ONNX Runtime and onnx both take the last of several."""
    names, external = [], False
    for field in window.fields(tensor.start, tensor.end):
        if field.number == _DATA_LOCATION and field.wire == VARINT:
            external = field.value == _EXTERNAL
        elif field.number == _EXTERNAL_DATA and field.wire == LENGTH and field.end <= tensor.end:
            key, value = _entry(window, field)
            if key == _MARK:
                names.append(value.decode())
    if external and not names:
        raise WireError(f"the external tensor at byte {tensor.start} names no file")
    if external:
        yield from names


def _entry(window: Window, entry: Field) -> tuple[bytes, bytes]:
    """Return key and value of a StringStringEntryProto."""
    parts = {1: b"", 2: b""}
    for field in window.fields(entry.start, entry.end):
        if field.number in parts and field.wire == LENGTH:
            # what is longer is no name of a file; the beginning of one could be a harmless name
            parts[field.number] = window.read(field.start, min(field.end - field.start, _LONGEST_NAME + 1))
    if parts[1] == _MARK and len(parts[2]) > _LONGEST_NAME:
        raise WireError(f"a file name at byte {entry.start} is longer than {_LONGEST_NAME:,} bytes")
    return parts[1], parts[2]


def _checked(model: Path, location: str) -> str:
    """Return the location as a clean relative path of a regular file inside the model's folder."""
    name = PurePosixPath(location)
    said = f"{model.name} keeps weights in {location[:200]!r}"
    if name.is_absolute() or ".." in name.parts or "\0" in location or not name.parts:
        raise UnreadableArtifact(f"{said}, which is outside its folder", hint="save it with relative file names")
    if "_ORT_MEM_ADDR_" in name.parts:
        raise UnreadableArtifact(f"{said}, which is an address in memory and no file")
    try:
        file = (model.parent / name).resolve(strict=True)
        regular = stat.S_ISREG(file.stat().st_mode)
    except (OSError, RuntimeError):
        raise UnreadableArtifact(
            f"{said}, which does not exist beside it", hint="copy the model together with its data files"
        ) from None
    folder = model.parent.resolve()
    if not file.is_relative_to(folder):
        raise UnreadableArtifact(f"{said}, a link that leads outside its folder", hint="replace the link by the file")
    if not regular or file == model.resolve():
        raise UnreadableArtifact(f"{said}, which is no data file")
    return str(name)
