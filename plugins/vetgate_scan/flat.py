"""Walks FlatBuffers with every offset, length and vtable checked, and notes how far they reach.

The format: https://flatbuffers.dev/internals/. The runtimes read it without checks once their verifier has passed, or
without asking it at all.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from vetgate_scan.wire import Data

_LONGEST_FILE = 1 << 30
"""Bytes up to which a reference behind the end speaks of a file that was cut off, and not of an address."""
MOST_TABLES = 300_000
"""Tables that are looked at in all, each as often as it is referred to."""
_U16, _I32, _U32, _I64, _U64 = (struct.Struct(f"<{code}") for code in "HiIqQ")
_NUMBERS = {"B": struct.Struct("<B"), "b": struct.Struct("<b"), "i": _I32, "I": _U32, "q": _I64, "Q": _U64}


class FlatError(ValueError):
    """An offset, a length or a vtable leads outside the file."""


class CutOffError(FlatError):
    """What is referred to begins or goes on behind the end of the file, where a longer file could have it."""


class Flat:
    """The bytes of a file.

    Args:
        data: All of them.
    """

    def __init__(self, data: Data) -> None:
        self.data, self.size = data, len(data)
        self.reach = 8
        """End of the last byte that something refers to."""
        self._left = MOST_TABLES

    def require(self, position: int, length: int) -> int:
        """Return a position after checking that so many bytes are there.

        Raises:
            FlatError: They are not.
        """
        end = position + length
        if position < 0 or length < 0 or end > self.size:
            kind = CutOffError if min(position, length) >= 0 and end <= _LONGEST_FILE else FlatError
            raise kind(f"{length:,} bytes at byte {position:,} run past the end of the file ({self.size:,} bytes)")
        self.reach = max(self.reach, end)
        return position

    def unsigned(self, position: int) -> int:
        """Return the 32-bit unsigned number at a position."""
        value: int = _U32.unpack_from(self.data, self.require(position, 4))[0]
        return value

    def root(self) -> FlatTable:
        """Return the root table."""
        return FlatTable(self, self.unsigned(0))

    def count_table(self) -> None:
        """Count one more table.

        Raises:
            FlatError: There were too many.
        """
        self._left -= 1
        if self._left < 0:
            raise FlatError(f"it refers to more than {MOST_TABLES:,} tables")


class FlatTable:
    """A table whose vtable and own bytes lie inside the file."""

    __slots__ = ("_fields", "_size", "_vtable", "flat", "position")

    def __init__(self, flat: Flat, position: int) -> None:
        flat.count_table()
        self.flat, self.position = flat, position
        back: int = _I32.unpack_from(flat.data, flat.require(position, 4))[0]
        self._vtable = flat.require(position - back, 4)
        length: int = _U16.unpack_from(flat.data, self._vtable)[0]
        self._size: int = _U16.unpack_from(flat.data, self._vtable + 2)[0]
        if length < 4 or length % 2 or self._size < 4 or position % 4 or self._vtable % 2:
            raise FlatError(f"the table at byte {position:,} is no table")
        self._fields = (flat.require(self._vtable, length), length)[1] // 2 - 2
        flat.require(position, self._size)

    def at(self, field: int, width: int) -> int | None:
        """Return where a field stands, or None where it is left out.

        Raises:
            FlatError: It lies outside of its table.
        """
        if field >= self._fields:
            return None
        offset: int = _U16.unpack_from(self.flat.data, self._vtable + 4 + 2 * field)[0]
        if offset and (offset < 4 or offset + width > self._size):
            raise FlatError(f"field {field} lies outside of the table at byte {self.position:,}")
        return self.position + offset if offset else None

    def number(self, field: int, code: str, default: int = 0) -> int:
        """Return an integer field of struct's `code`."""
        form = _NUMBERS[code]
        position = self.at(field, form.size)
        return default if position is None else int(form.unpack_from(self.flat.data, position)[0])

    def table(self, field: int) -> FlatTable | None:
        """Return a table field."""
        position = self.at(field, 4)
        return None if position is None else FlatTable(self.flat, position + self.flat.unsigned(position))

    def vector(self, field: int, width: int) -> tuple[int, int]:
        """Return start and number of a vector's elements of so many bytes; (0, 0) where it is left out."""
        position = self.at(field, 4)
        if position is None:
            return 0, 0
        start = position + self.flat.unsigned(position)
        count = self.flat.unsigned(start)
        self.flat.require(start + 4, count * width)
        return start + 4, count

    def numbers(self, field: int, code: str, most: int = 1 << 20) -> tuple[int, ...]:
        """Return a vector of integers.

        Raises:
            FlatError: It is longer than `most`.
        """
        form = _NUMBERS[code]
        start, count = self.vector(field, form.size)
        if count > most:
            raise FlatError(f"a list in the table at byte {self.position:,} has {count:,} entries")
        return struct.unpack_from(f"<{count}{code}", self.flat.data, start)

    def text(self, field: int) -> bytes:
        """Return a string, cut after 64 KiB; empty where it is left out."""
        start, count = self.vector(field, 1)
        return self.flat.data[start : start + min(count, 1 << 16)]

    def tables(self, field: int) -> Iterator[FlatTable]:
        """Yield the tables of a vector."""
        start, count = self.vector(field, 4)
        for entry in range(start, start + 4 * count, 4):
            yield FlatTable(self.flat, entry + self.flat.unsigned(entry))
