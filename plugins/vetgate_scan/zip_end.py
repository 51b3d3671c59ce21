"""Finds the end of a zip in any file: zip readers look for it from behind and care for nothing before it."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass

from vetgate_scan.wire import Data

ZIP_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(OSError, EOFError, NotImplementedError, RuntimeError, ValueError),
)
"""What zipfile raises on a damaged archive; NotImplementedError for a compression that it does not know, RuntimeError
for an encrypted member, OSError for a broken bzip2 stream."""
_END = b"PK\x05\x06"
_LONGEST = 22 + 65535
_LARGE = 0xFFFFFFFF


@dataclass(frozen=True)
class ZipEnd:
    """The end record of a zip and what it leads to."""

    first: int
    """Where the zip begins in the file."""
    members: int
    directory: int
    """Bytes of its directory."""
    end: int
    """Offset behind the record and its comment."""


def zip_end(data: Data) -> ZipEnd | None:
    """Return the zip that a reader would find in a file, or None."""
    position = data.rfind(_END, max(0, len(data) - _LONGEST))
    while position >= 0:
        found = _at(data, position)
        if found is not None:
            return found
        position = data.rfind(_END, max(0, len(data) - _LONGEST), position)
    return None


def _at(data: Data, position: int) -> ZipEnd | None:
    record = data[position : position + 22]
    if len(record) < 22:
        return None
    members, size, offset, comment = struct.unpack_from("<HIIH", record, 10)
    if size == _LARGE or offset == _LARGE:  # the 64-bit record stands before; its zip begins nobody knows where
        return ZipEnd(0, members, size, position + 22 + comment) if data[:2] == b"PK" else ZipEnd(8, members, size, 0)
    directory = position - size
    if members and (directory < 0 or data[directory : directory + 4] != b"PK\x01\x02"):
        return None
    first = directory - offset
    if members:
        first += struct.unpack_from("<I", data, directory + 42)[0]
    return ZipEnd(max(0, first), members, size, position + 22 + comment) if first >= 0 else None
