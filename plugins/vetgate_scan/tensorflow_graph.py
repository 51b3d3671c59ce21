"""Which operators a SavedModel's graph holds that reach out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from vetgate_scan import keras_rules as rule
from vetgate_scan.found import Found, quoted
from vetgate_scan.wire import LENGTH, Data, Wire, WireError

_NAMES = frozenset(
    {
        b"PyFunc", b"PyFuncStateless", b"EagerPyFunc", b"ReadFile", b"WriteFile", b"MatchingFiles", b"Save",
        b"SaveSlices", b"Restore", b"RestoreSlice", b"PrintV2", b"Print", b"DebugIdentity", b"DebugIdentityV2",
        b"WholeFileReader", b"WholeFileReaderV2", b"TextLineReader", b"TextLineReaderV2", b"TFRecordReader",
        b"TFRecordReaderV2", b"TextLineDataset", b"TFRecordDataset", b"FixedLengthRecordDataset", b"DumpTensor",
        b"ImmutableConst", b"RemoteCall", b"RpcCall", b"InitializeTableFromTextFile",
    }
)  # fmt: skip
"""Operators that read or write files, print, or call Python; SaveV2 and RestoreV2 are in every SavedModel."""
_META_GRAPH, _GRAPH, _NODE, _LIBRARY, _FUNCTION, _FUNCTION_NODE, _OP = 2, 2, 1, 2, 1, 3, 2


def is_saved_model(head: bytes) -> bool:
    """Return whether bytes begin as saved_model.pb does: schema version 1, then a meta graph."""
    return head.startswith(b"\x08\x01\x12")


def look_at_saved_model(data: Data, found: Found) -> None:
    """Note operators that reach out, and that the rest of the graph was not judged."""
    counts: Counter[bytes] = Counter()
    try:
        wire = Wire(data)
        for start, end in _below(wire, 0, len(data), _META_GRAPH, _GRAPH):
            for node in (
                *_below(wire, start, end, _NODE),
                *_below(wire, start, end, _LIBRARY, _FUNCTION, _FUNCTION_NODE),
            ):
                counts.update(data[a:b] for number, kind, a, b in wire.fields(*node) if (number, kind) == (_OP, LENGTH))
    except (WireError, IndexError) as error:
        found.add(rule.DAMAGED, f"it cannot be read to the end: {error}")
        return
    for name, count in counts.items():
        if name in _NAMES:
            found.add(rule.KERNEL, f"{count} operators are {quoted(name)}")
    found.add(rule.GRAPH, f"it is a graph of {sum(counts.values()):,} TensorFlow operators")


def _below(wire: Wire, start: int, end: int, *numbers: int) -> Iterator[tuple[int, int]]:
    """Yield the messages that a path of field numbers leads to."""
    first, *rest = numbers
    for number, kind, begin, stop in wire.fields(start, end):
        if number == first and kind == LENGTH:
            if rest:
                yield from _below(wire, begin, stop, *rest)
            else:
                yield begin, stop
