"""Copies one file into the vault: a regular one, as long as it said, and nothing that a link leads elsewhere for."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vetgate.domain.artifact import Member
from vetgate.domain.errors import Inconclusive, UnreadableArtifact

CHUNK = 1 << 20
_AGAIN = "run again when nothing writes to it"


@dataclass(frozen=True)
class Copied:
    """One file of a model in the vault."""

    file: Path
    """The copy."""
    member: Member
    linked: bool
    """Whether the original has a second name on its disk."""


def copy_file(source: Path, target: Path, name: str) -> Copied:
    """Copy one regular file, digesting the bytes that are written.

    Args:
        source: May be a link.
        target: Does not exist; folders above it are made.
        name: What the file is called in the artifact.

    Raises:
        UnreadableArtifact: It is a device, pipe or folder, or changed while it was read.
        Inconclusive: There is no room for it.
        OSError: It cannot be read or written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # a pipe that took the file's place must not be waited for
    descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as reader, target.open("xb") as writer:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise UnreadableArtifact(f"{name} is no regular file", hint="replace it by the file itself")
        _require_room(target.parent, before.st_size, name)
        digest = _pour(reader, writer, before.st_size)
        after = os.fstat(descriptor)
        if reader.read(1) or _state(before) != _state(after) or writer.tell() != before.st_size:
            raise UnreadableArtifact(f"{name} changed while it was read", hint=_AGAIN)
    target.chmod(0o400)
    return Copied(target, Member(name=name, sha256=digest, size=before.st_size), before.st_nlink > 1)


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _require_room(folder: Path, size: int, name: str) -> None:
    """Refuse a file that the disk does not hold before it is full; a file of holes says that it is any size."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise Inconclusive(
            f"{name} takes {size / 1e6:,.4g} MB, and there are {free / 1e6:,.4g} MB for its private copy",
            hint="set TMPDIR to a folder with room",
        )


def _pour(reader: BinaryIO, writer: BinaryIO, size: int) -> str:
    """Copy at most `size` bytes, for a file may grow faster than it is read; return their digest."""
    digest, left = hashlib.sha256(), size
    while left and (chunk := reader.read(min(CHUNK, left))):
        digest.update(chunk)
        left -= writer.write(chunk)
    return digest.hexdigest()


def inside(model: Path, name: str, typed: str) -> Path:
    """Return where a further file of a model really lies.

    Links may lead to the folder of the model, or to that of the file that the model itself is a link to, as in the
    cache of a model hub.

    Args:
        model: The model file as typed.
        name: Relative to its folder.
        typed: What messages call the model.

    Raises:
        UnreadableArtifact: It does not exist, or lies elsewhere.
    """
    try:
        file = (model.parent / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # a circle of links, a name with a zero byte
        raise UnreadableArtifact(
            f"{typed} names a part that does not lie beside it: {name!r}",
            hint="copy the model together with its data files",
        ) from None
    if not any(file.is_relative_to(folder) for folder in (model.parent.resolve(), model.resolve().parent)):
        raise UnreadableArtifact(
            f"{typed} names a part that is a link to a place outside its folder: {name!r}",
            hint="replace the link by the file",
        )
    return file


@contextmanager
def copying(name: str) -> Iterator[None]:
    """Say in one sentence why a model cannot be copied."""
    try:
        yield
    except OSError as error:
        raise Inconclusive(f"{name}: cannot be copied: {error.strerror or error}") from None
