"""Walks protobuf messages without a protobuf library: no allocation that the file asks for, no field passed over.

The wire format: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import TypeAlias

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MOST_FIELDS = 1_000_000
"""Fields that are walked in all, a second's worth; a classifier of 10,000 nodes has 200,000."""
_LONGEST_VARINT = 10
_LONGEST_MESSAGE = 1 << 31
"""Bytes that protobuf allows."""

Data: TypeAlias = "mmap.mmap | bytes"
Field: TypeAlias = tuple[int, int, int, int]
"""Number, wire type, start and end of the content; of a varint its value instead of the start."""


class WireError(ValueError):
    """The bytes are no protobuf message, or one that nobody could read in reasonable time."""


class CutOffError(WireError):
    """The bytes end before the message does."""


class Wire:
    """The bytes of a file with an end to how often they are looked at.

    Args:
        data: All of the file.
        most_fields: Fields that may be walked in all.
    """

    def __init__(self, data: Data, most_fields: int = MOST_FIELDS) -> None:
        self.data = data
        self._left = self._most = most_fields

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """Yield the fields of the message between two offsets.

        Raises:
            WireError: A field runs past the end, is of no known wire type, or there are too many.
        """
        data, position = self.data, start
        while position < end:
            self._left -= 1
            if self._left < 0:
                raise WireError(f"it has more than {self._most:,} fields")
            tag = data[position]
            if tag < 0x80:
                position += 1
            else:
                tag, position = self.varint(position, end)
            number, wire = tag >> 3, tag & 7
            value, stop = self._content(wire, position, end)
            if number == 0 or number >= 1 << 29 or stop > end:
                kind = CutOffError if 0 < number < 1 << 29 and stop <= _LONGEST_MESSAGE else WireError
                raise kind(f"field {number} at byte {position:,} does not fit into its message")
            yield number, wire, value, stop
            position = stop

    def _content(self, wire: int, position: int, end: int) -> tuple[int, int]:
        """Return where the content starts and ends; of a varint its value and the offset after it."""
        if wire == LENGTH:
            length, start = self.varint(position, end)
            return start, start + length
        if wire == VARINT:
            return self.varint(position, end)
        if wire == FIXED32:
            return position, position + 4
        if wire == FIXED64:
            return position, position + 8
        raise WireError(f"there is no field at byte {position:,}")

    def varint(self, position: int, end: int) -> tuple[int, int]:
        """Return the unsigned varint at an offset, and the offset after it.

        Raises:
            WireError: It is cut off or longer than ten bytes.
        """
        data, value, shift = self.data, 0, 0
        stop = min(end, position + _LONGEST_VARINT)
        while position < stop:
            byte = data[position]
            value |= (byte & 0x7F) << shift
            position += 1
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, position
            shift += 7
        kind = CutOffError if position == end else WireError
        raise kind(f"a number at byte {position:,} is cut off or too long")

    def part(self, start: int, end: int) -> bytes:
        """Return a copy of some bytes."""
        return self.data[start:end]


def signed(value: int) -> int:
    """Return a varint as the 64-bit signed integer that it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value
