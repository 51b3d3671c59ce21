"""Reads FlatBuffers with every offset checked, so that a damaged file is an error and nothing worse.

The format: https://flatbuffers.dev/internals/. Standard library only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_TABLE_HEAD = 4
_MOST_ENTRIES = 10_000_000
_FARTHEST = 1 << 28
"""Bytes behind the end up to which a reference speaks of a file that was cut off, and not of an address."""
_TABLE, _LONGEST_TEXT = 50, 1 << 16
MOST = 50_000_000
"""Bytes of numbers and letters that are looked at in all, each as often as it is referred to, for lists of a hostile
file may share what they refer to; a table counts for 50."""


class FlatBufferError(ValueError):
    """An offset or length leads outside the file."""


class PastEndError(FlatBufferError):
    """What is referred to stands behind the end, and not far: the file may have been cut off."""


class Bytes:
    """A file's bytes, read with bounds.

    Args:
        data: All of the file.
    """

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self._left = MOST

    def number(self, code: str, position: int) -> int | float:
        """Return the little-endian number of struct's `code` at a position."""
        self.require(position, struct.calcsize(code))
        value: int | float = struct.unpack_from(f"<{code}", self.data, position)[0]
        return value

    def whole(self, code: str, position: int) -> int:
        """Return the little-endian integer of struct's `code` at a position."""
        return int(self.number(code, position))

    def require(self, position: int, length: int) -> None:
        """Check that so many bytes are there.

        Raises:
            FlatBufferError: They are not.
        """
        if position < 0 or length < 0 or position + length > len(self.data):
            end = position + length - len(self.data)
            kind = PastEndError if position >= 0 and 0 < end <= _FARTHEST else FlatBufferError
            raise kind(f"{length:,} bytes at byte {position:,} run {end:,} bytes past the end of the file")

    def part(self, position: int, length: int) -> memoryview:
        """Return some of the bytes."""
        self.require(position, length)
        return self.data[position : position + length]

    def text(self, position: int) -> str:
        """Return the string at a position, cut after 64 KiB."""
        data = self.part(position + 4, self.whole("I", position))[:_LONGEST_TEXT]
        self.charge(_TABLE + len(data))
        return bytes(data).decode(errors="replace")

    def charge(self, count: int) -> None:
        """Count what is looked at.

        Raises:
            FlatBufferError: It was too much.
        """
        self._left -= count
        if self._left < 0:
            raise FlatBufferError("its lists refer to the same parts again and again")

    def root(self) -> Table:
        """Return the root table."""
        return Table(self, self.whole("I", 0))


class Table:
    """A table: fields by number, each of which may be left out."""

    def __init__(self, source: Bytes, position: int) -> None:
        source.charge(_TABLE)
        self._bytes, self._position = source, position
        source.require(position, _TABLE_HEAD)
        self._vtable = position - source.whole("i", position)
        self._fields = (source.whole("H", self._vtable) - 4) // 2
        source.require(self._vtable, 4 + 2 * max(0, self._fields))

    def _at(self, field: int) -> int | None:
        if field >= self._fields:
            return None
        offset = self._bytes.whole("H", self._vtable + 4 + 2 * field)
        return self._position + offset if offset else None

    def integer(self, field: int, code: str, default: int = 0) -> int:
        """Return an integer field."""
        position = self._at(field)
        return default if position is None else self._bytes.whole(code, position)

    def floating(self, field: int) -> float:
        """Return a field that is a 32-bit float; 0 where it is left out."""
        position = self._at(field)
        return 0.0 if position is None else float(self._bytes.number("f", position))

    def table(self, field: int) -> Table | None:
        """Return a table field."""
        position = self._at(field)
        return None if position is None else Table(self._bytes, position + self._bytes.whole("I", position))

    def vector(self, field: int, width: int) -> memoryview:
        """Return the bytes of a vector of elements of so many bytes; empty where it is left out."""
        position = self._at(field)
        if position is None:
            return memoryview(b"")
        start = position + self._bytes.whole("I", position)
        count = self._bytes.whole("I", start)
        if count > _MOST_ENTRIES and width > 1:
            raise FlatBufferError(f"a list at byte {start:,} claims {count:,} entries")
        return self._bytes.part(start + 4, count * width)

    def block(self, field: int, width: int) -> memoryview:
        """Return the bytes of a vector of numbers, however many: weights, of which nobody makes a list."""
        position = self._at(field)
        if position is None:
            return memoryview(b"")
        start = position + self._bytes.whole("I", position)
        return self._bytes.part(start + 4, self._bytes.whole("I", start) * width)

    def numbers(self, field: int, code: str) -> tuple[int, ...]:
        """Return a vector of integers."""
        data = self.vector(field, struct.calcsize(code))
        self._bytes.charge(len(data))
        return tuple(int(value) for (value,) in struct.iter_unpack(f"<{code}", data))

    def floats(self, field: int) -> tuple[float, ...]:
        """Return a vector of 32-bit floats."""
        data = self.vector(field, 4)
        self._bytes.charge(len(data))
        return tuple(float(value) for (value,) in struct.iter_unpack("<f", data))

    def text(self, field: int) -> str:
        """Return a string, cut after 64 KiB; empty where it is left out."""
        data = self.vector(field, 1)[:_LONGEST_TEXT]
        self._bytes.charge(len(data))
        return bytes(data).decode(errors="replace")

    def texts(self, field: int) -> list[str]:
        """Return the strings of a vector."""
        position = self._at(field)
        if position is None:
            return []
        start = position + self._bytes.whole("I", position) + 4
        places = range(start, start + len(self.vector(field, 4)), 4)
        return [self._bytes.text(place + self._bytes.whole("I", place)) for place in places]

    def tables(self, field: int) -> Iterator[Table]:
        """Yield the tables of a vector."""
        position = self._at(field)
        if position is None:
            return
        start = position + self._bytes.whole("I", position) + 4
        for index in range(len(self.vector(field, 4)) // 4):
            entry = start + 4 * index
            yield Table(self._bytes, entry + self._bytes.whole("I", entry))
