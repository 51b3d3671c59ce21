"""Take a pickle apart into its instructions.

The standard library's pickletools is not used for it: it joins module and name of an import with a blank, so that
`os system` reads two ways, decodes every argument, huge ones too, and raises on arguments that the unpickler accepts.
Only its table of instructions is.
"""

from __future__ import annotations

import pickletools
import struct
from typing import NamedTuple

MOST_KEPT = 4096
"""Bytes of a text or number that are kept; names are shorter."""
LONGEST_LINE = 1 << 20
LONGEST_CUT = 1 << 20
"""Bytes of a text that a stream may lack to count as cut off; that of a checkpoint's source code is shorter."""
NEWEST_PROTOCOL = 5

_LINES = {"INT", "LONG", "FLOAT", "STRING", "UNICODE", "PERSID", "GET", "PUT"}
_TWO_LINES = {"GLOBAL", "INST"}
_COUNTED = {
    pickletools.TAKEN_FROM_ARGUMENT1: ("<B", 1),
    pickletools.TAKEN_FROM_ARGUMENT4: ("<i", 4),
    pickletools.TAKEN_FROM_ARGUMENT4U: ("<I", 4),
    pickletools.TAKEN_FROM_ARGUMENT8U: ("<Q", 8),
}
_NUMBERS = {"BININT": "<i", "BININT1": "<B", "BININT2": "<H", "BINGET": "<B", "LONG_BINGET": "<I", "BINPUT": "<B",
            "LONG_BINPUT": "<I", "PROTO": "<B", "FRAME": "<Q", "EXT1": "<B", "EXT2": "<H", "EXT4": "<i"}  # fmt: skip


class Malformed(Exception):
    """The stream breaks off, or holds what is no instruction."""


class CutOff(Malformed):
    """The stream breaks off at the end of the bytes."""


class Form(NamedTuple):
    """How one instruction is written."""

    name: str
    lines: int
    size: int
    """Bytes of a fixed argument."""
    counted: tuple[str, int] | None
    number: str | None


def _forms() -> tuple[Form | None, ...]:
    table: list[Form | None] = [None] * 256
    for known in pickletools.opcodes:
        size = known.arg.n if known.arg is not None else 0
        lines = 1 if known.name in _LINES else 2 if known.name in _TWO_LINES else 0
        table[ord(known.code)] = Form(
            known.name, lines, max(size, 0) if not lines else 0, _COUNTED.get(size), _NUMBERS.get(known.name)
        )
    return tuple(table)


FORMS = _forms()


class Instruction(NamedTuple):
    """One instruction."""

    name: str
    argument: object
    """A number, the raw bytes of a text (None where they are long), two lines, or None."""
    at: int
    end: int


def read(data: memoryview, at: int) -> Instruction:
    """Return the instruction that begins at a byte.

    Raises:
        Malformed: There is none.
    """
    if at >= len(data):
        raise CutOff("it ends without a STOP")
    form = FORMS[data[at]]
    if form is None:
        raise Malformed(f"{data[at]:#04x} is no instruction")
    place = at + 1
    if form.lines:
        first, place = _line(data, place)
        if form.lines == 1:
            return Instruction(form.name, first, at, place)
        second, place = _line(data, place)
        return Instruction(form.name, (first, second), at, place)
    if form.counted:
        return _read_counted(data, form, at)
    end = place + form.size
    if end > len(data):
        raise CutOff(f"its {form.name} is cut off")
    if form.number:
        return Instruction(form.name, struct.unpack_from(form.number, data, place)[0], at, end)
    return Instruction(form.name, None, at, end)


def _read_counted(data: memoryview, form: Form, at: int) -> Instruction:
    assert form.counted is not None  # noqa: S101  # the caller saw to it; mypy cannot know
    code, width = form.counted
    start = at + 1 + width
    if start > len(data):
        raise CutOff(f"its {form.name} is cut off")
    (length,) = struct.unpack_from(code, data, at + 1)
    if length < 0 or start + length > len(data):
        kind = CutOff if 0 <= length <= LONGEST_CUT else Malformed
        raise kind(f"its {form.name} states {length} bytes, more than there are")
    kept = bytes(data[start : start + length]) if length <= MOST_KEPT else None
    return Instruction(form.name, kept, at, start + length)


def _line(data: memoryview, at: int) -> tuple[bytes, int]:
    width = 256
    while True:
        piece = bytes(data[at : at + width])
        end = piece.find(b"\n")
        if end >= 0:
            return piece[:end], at + end + 1
        if len(piece) < width or width > LONGEST_LINE:
            kind = CutOff if len(piece) < width else Malformed
            raise kind("a line of text in it has no end")
        width *= 4
