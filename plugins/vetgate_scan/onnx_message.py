"""Reads one ONNX message at a time, and finds in each what no honest writer puts there."""

from __future__ import annotations

from typing import TypeAlias

from vetgate.api import Severity
from vetgate_scan import onnx_rules as rule
from vetgate_scan.found import Found, quoted
from vetgate_scan.onnx_schema import SLOTS, Kind
from vetgate_scan.wire import LENGTH, VARINT, Wire, WireError

LONGEST_TEXT = 1 << 20
"""Bytes of one name, doc string or entry of the metadata."""
MOST_TEXT = 64 << 20
"""Bytes of all of them."""
DEEPEST = 50
"""Messages inside messages; protobuf's own limit is 100."""
_SMALL_UNKNOWN = 1024
_SHOWN = 1 << 16
_ESCAPES = (b"\x1b", b"\xc2\x9b")

Span: TypeAlias = tuple[int, int]
"""Start and end of a content; of a varint its value and the offset after it."""
Message: TypeAlias = dict[int, list[Span]]
_NOTHING: list[Span] = []


class Reader:
    """Reads messages of one file.

    Args:
        wire: The file's bytes.
        found: Where findings go.
    """

    def __init__(self, wire: Wire, found: Found) -> None:
        self.wire, self.found = wire, found
        self._text = 0

    def read(self, kind: Kind, span: Span) -> Message:
        """Return the fields of one message by number.

        Raises:
            WireError: It is no message.
        """
        slots, message = SLOTS[kind], dict[int, list[Span]]()
        for number, wire, start, end in self.wire.fields(*span):
            slot = slots.get(number)
            if slot is None or (wire != slot.wire and not (slot.packable and wire == LENGTH)):
                self._unknown(kind, number, start if wire != VARINT else end, end)
                continue
            values = message.get(number)
            if values is None:
                message[number] = values = []
            elif not slot.many:
                self.found.add(rule.TWICE, f"field {number} of a {_name(kind)} is given twice", _at(span))
            values.append((-1 - end, start) if slot.packable and wire == LENGTH else (start, end))
            if slot.text:
                self._look_at_text(kind, start, end)
        return message

    def walk(self, kind: Kind, span: Span, depth: int = 0) -> None:
        """Read a message and all below it, for what each of them may hide."""
        if depth > DEEPEST:
            raise WireError(f"a {_name(kind)} at byte {span[0]:,} is nested too deeply")
        for number, spans in self.read(kind, span).items():
            child = SLOTS[kind][number].child
            if child is not None:
                for inner in spans:
                    self.walk(child, inner, depth + 1)

    def text(self, message: Message, number: int) -> bytes:
        """Return a text field, empty where it is left out; the last of several, as parsers do."""
        spans = message.get(number)
        if not spans:
            return b""
        start, end = spans[-1]
        return self.wire.part(start, min(end, start + LONGEST_TEXT))

    def texts(self, message: Message, number: int) -> tuple[bytes, ...]:
        """Return every text of a field."""
        part = self.wire.part
        return tuple([part(start, min(end, start + LONGEST_TEXT)) for start, end in message.get(number, _NOTHING)])

    def numbers(self, message: Message, number: int, most: int = 1 << 16) -> list[int]:
        """Return the unsigned varints of a field, packed or not, up to so many.

        Raises:
            WireError: One is cut off.
        """
        values: list[int] = []
        for start, end in message.get(number, _NOTHING)[:most]:
            if start >= 0:
                values.append(start)
                continue
            position, stop = end, -1 - start
            while position < stop and len(values) < most:
                value, position = self.wire.varint(position, stop)
                values.append(value)
        return values

    def _unknown(self, kind: Kind, number: int, start: int, end: int) -> None:
        size = end - start
        grave = Severity.HIGH if size > _SMALL_UNKNOWN else Severity.MEDIUM
        told = f"field {number} of a {_name(kind)} is none of ONNX ({size:,} bytes)"
        self.found.add(rule.UNKNOWN, told, f"byte {start:,}", grave)

    def _look_at_text(self, kind: Kind, start: int, end: int) -> None:
        size = end - start
        self._text += size
        if size > LONGEST_TEXT:
            self.found.add(rule.TEXT, f"a text of a {_name(kind)} has {size:,} bytes", f"byte {start:,}")
        elif size < _SHOWN:
            text = self.wire.part(start, end)
            if any(escape in text for escape in _ESCAPES):
                self.found.add(rule.TEXT, f"a text steers the terminal: {quoted(text)}", f"byte {start:,}")
        if self._text - size <= MOST_TEXT < self._text:
            self.found.add(rule.TEXT, f"its names and texts have more than {MOST_TEXT:,} bytes")


def one(message: Message, number: int, default: int = 0) -> int:
    """Return a varint field, the last of several."""
    spans = message.get(number)
    return spans[-1][0] if spans else default


def _name(kind: Kind) -> str:
    return kind.name.lower().replace("_", " ")


def _at(span: Span) -> str:
    return f"byte {span[0]:,}"
