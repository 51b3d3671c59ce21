"""Walks protobuf messages without a protobuf library: field by field, with seeks over what is not needed.

The wire format is that of https://protobuf.dev/programming-guides/encoding/; the messages are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10
_MOST_BYTES = 8
"""How often each byte of a file may be read: nested messages are read again."""
_LEAST_BYTES = 1 << 20


class Kind(IntEnum):
    """Messages of onnx.proto that lead to tensors."""

    MODEL = 0
    GRAPH = 1
    NODE = 2
    ATTRIBUTE = 3
    TENSOR = 4
    SPARSE_TENSOR = 5
    FUNCTION = 6
    TRAINING = 7


CHILDREN: dict[Kind, dict[int, Kind]] = {
    Kind.MODEL: {7: Kind.GRAPH, 20: Kind.TRAINING, 25: Kind.FUNCTION},
    Kind.GRAPH: {1: Kind.NODE, 5: Kind.TENSOR, 15: Kind.SPARSE_TENSOR},
    Kind.NODE: {5: Kind.ATTRIBUTE},
    Kind.ATTRIBUTE: {
        5: Kind.TENSOR,
        6: Kind.GRAPH,
        10: Kind.TENSOR,
        11: Kind.GRAPH,
        22: Kind.SPARSE_TENSOR,
        23: Kind.SPARSE_TENSOR,
    },
    Kind.TENSOR: {},
    Kind.SPARSE_TENSOR: {1: Kind.TENSOR, 2: Kind.TENSOR},
    Kind.FUNCTION: {7: Kind.NODE, 11: Kind.ATTRIBUTE},
    Kind.TRAINING: {1: Kind.GRAPH, 2: Kind.GRAPH},
}
"""Field number to message, as far as a tensor may lie below it."""


class WireError(ValueError):
    """The bytes are no protobuf message."""


class TruncatedError(WireError):
    """A field runs past the end of the bytes."""


@dataclass(frozen=True)
class Field:
    """One field of a message; `start` to `end` are the file offsets of its content."""

    number: int
    wire: int
    start: int
    end: int
    value: int = 0
    """Of a varint."""


class Window:
    """The bytes of a file, by offset, with an end to what a hostile file can make of them.

    Args:
        file: Opened for reading bytes.
        size: Bytes in it.
        most_fields: Fields that may be walked in all.
    """

    def __init__(self, file: BinaryIO, size: int, most_fields: int) -> None:
        self._file = file
        self.size = size
        self._most_fields = most_fields
        self._fields_left = most_fields
        self._bytes_left = _MOST_BYTES * size + _LEAST_BYTES

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`.

        Raises:
            WireError: Too much was read already.
        """
        self._bytes_left -= length
        if self._bytes_left < 0:
            raise WireError("its messages are nested too deeply to be read")
        return self._bytes(start, length)

    def _bytes(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        return self._file.read(length)

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """Yield the fields of the message between two offsets; one that runs past `end` is still yielded, as the last.

        Raises:
            TruncatedError: After a field that runs past `end`, and where the bytes end.
            WireError: There is no protobuf message there, or too many fields were walked already.
        """
        position = start
        while position < end:
            field = self._field(position, end)
            yield field
            if field.end > end:
                raise TruncatedError(
                    f"field {field.number} at byte {position} runs {field.end - end:,} bytes past its end"
                )
            position = field.end

    def _field(self, position: int, end: int) -> Field:
        self._fields_left -= 1
        if self._fields_left < 0:
            raise WireError(f"it has more than {self._most_fields:,} fields to look at")
        head = self._bytes(position, min(2 * _LONGEST_VARINT, end - position))
        tag, used = varint(head, 0)
        number, wire = tag >> 3, tag & 7
        if number == 0 or number >= 1 << 29:
            raise WireError(f"there is no field at byte {position}")
        if wire in _FIXED:
            return Field(number, wire, position + used, position + used + _FIXED[wire])
        if wire not in (VARINT, LENGTH):
            raise WireError(f"there is no field at byte {position}")
        value, after = varint(head, used)
        start = position + after
        return Field(number, wire, start, start + (value if wire == LENGTH else 0), value)


def varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the unsigned varint at `position` and the offset after it.

    Raises:
        TruncatedError: The data ends inside it.
        WireError: It is longer than ten bytes.
    """
    value = 0
    for index in range(_LONGEST_VARINT):
        if position + index >= len(data):
            raise TruncatedError(f"a number at byte {position} is cut off")
        byte = data[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise WireError(f"a number at byte {position} is longer than ten bytes")
