"""Looks at a file's first bytes and, in a zip, at its names; within bounds that a hostile file cannot move."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from vetgate.domain.specs import Probe

HEAD = 4096
LONGEST_DIRECTORY = 8 << 20
"""Bytes of a zip's directory that are read: some 80,000 members. A hostile one of 100 MB took 12 s and 1 GB."""
_ZIP_TAIL = 22 + 65535 + 20
"""The end of a zip's directory with the longest comment and the 64-bit locator before it."""


def probe(path: Path) -> Probe:
    """Look at a file's bytes and, in a zip, at its names."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    names: tuple[str, ...] = ()
    if head.startswith(b"PK") and _directory_size(path) <= LONGEST_DIRECTORY:
        try:
            with zipfile.ZipFile(path) as archive:
                names = tuple(archive.namelist())
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):  # the last: a zip of a later version
            names = ()
    return Probe(path, path.stat().st_size, head, names)


def _directory_size(path: Path) -> int:
    """Return the bytes that the directory of a zip says it has, or 0 where its end cannot be found."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = max(0, size - _ZIP_TAIL)
        file.seek(start)
        tail = file.read(_ZIP_TAIL)
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) < end + 22:
            return 0
        stated: int = struct.unpack_from("<I", tail, end + 12)[0]
        if stated != 0xFFFFFFFF or end < 20:
            return stated
        file.seek(min(size, struct.unpack_from("<Q", tail, end - 20 + 8)[0]))
        record = file.read(56)
    return int(struct.unpack_from("<Q", record, 40)[0]) if record[:4] == b"PK\x06\x06" and len(record) == 56 else stated
