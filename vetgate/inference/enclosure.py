"""From an order to what the child that carries it out is held to: everything that the order names, and no more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vetgate.domain.artifact import Artifact
from vetgate.domain.model import OpenOptions
from vetgate.domain.record import Record
from vetgate.inference.walls import Enclosure

_DAY = 86_400


def enclose(order: Record, own: Path, *, accelerators: bool = False) -> Enclosure:
    """Return the enclosure of a child.

    Args:
        order: What it is asked to do. Models in it may be read with all that lies in their folders, and the code that
            the user named for them; a record's own `reads` and `writes` are granted besides. `memory` and `seconds`,
            where it has them, become limits.
        own: The child's private folder.
        accelerators: Whether it may use GPUs.
    """
    records = list(_records(order))
    reads = {str(Path(record.path).parent.absolute()) for record in records if isinstance(record, Artifact)}
    writes: set[str] = set()
    for record in records:
        reads |= set(getattr(record, "reads", ()))
        writes |= set(getattr(record, "writes", ()))
    named = [name for record in records for name in _architectures(record)]
    seconds: float | None = getattr(order, "seconds", None)
    return Enclosure(
        own=str(own),
        reads=tuple(sorted(reads)),
        code=tuple(sorted({str(Path(name).resolve().parent) for name in named if Path(name).is_file()})),
        modules=(str(Path.cwd()),) if any(not Path(name).is_file() for name in named) else (),
        writes=tuple(sorted(writes)),
        memory=getattr(order, "memory", None),
        processor_seconds=int((seconds or _DAY) * (os.cpu_count() or 1)) + 1 if seconds or not writes else None,
        accelerators=accelerators,
    )


def _records(value: object) -> Iterator[Record]:
    """Yield a record and all that stand in it."""
    if isinstance(value, Record):
        yield value
        for name in type(value).model_fields:
            yield from _records(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _records(item)


def _architectures(record: Record) -> Iterator[str]:
    """Yield the file or the module of code that the user named."""
    if isinstance(record, OpenOptions) and record.architecture:
        place, colon, _ = record.architecture.rpartition(":")
        if colon:
            yield place
