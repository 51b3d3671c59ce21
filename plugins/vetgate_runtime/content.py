"""Tells formats by their first bytes, in the gate's own process: in linear time, and with the standard library only."""

from __future__ import annotations

import re

from vetgate_runtime.flatbuffer import Bytes, FlatBufferError

_COMMENTS = rb"(?:<!--(?>.*?-->)\s*+)*+"  # atomic: a hostile head of many comments would take years otherwise
_IR = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:<\?xml[^>]{0,200}\?>\s*+)?" + _COMMENTS + rb"<net[\s>/]", re.DOTALL)
_NCNN = re.compile(rb"7767517[ \t]*+\r?\n")
_PNNX = re.compile(_NCNN.pattern + rb"[ \t\d]{0,40}+\r?\n[ \t]*+pnnx\.")

_SMALL = {5: 14, 6: 8, 9: 2}
"""Fields of an MNN model's root that are small numbers: device, converter, usage."""


def is_ir(head: bytes) -> bool:
    """Return whether a file begins as XML whose root is `net`; a hostile one with a DOCTYPE is no model."""
    return _IR.match(head) is not None


def is_ncnn(head: bytes) -> bool:
    """Return whether a file begins with the number that every ncnn model begins with, as text, and is not PNNX's."""
    return _NCNN.match(head) is not None and not is_pnnx(head)


def is_pnnx(head: bytes) -> bool:
    """Return whether a file is PNNX's list of operators: it begins as ncnn's does, and its first operator is PNNX's."""
    return _PNNX.match(head) is not None


def is_executorch(head: bytes) -> bool:
    """Return whether a file carries the identifier of ExecuTorch's FlatBuffers, such as ET12."""
    mark = head[4:8]
    return len(mark) == 4 and mark[:2] == b"ET" and mark[2:].isdigit()


def is_mnn(head: bytes) -> bool:
    """Return whether a file begins as MNN's models do: they bear no mark, but their root has lists where it must."""
    source = Bytes(memoryview(head))
    try:
        root = source.whole("I", 0)
        table = root - source.whole("i", root)
        size, length = source.whole("H", table), source.whole("H", table + 2)
        if table < 4 or not 20 <= size <= 40 or size % 2 or not 16 <= length <= 128:
            return False
        fields = [source.whole("H", table + 4 + 2 * place) for place in range((size - 4) // 2)]
        if any(0 < place < 4 or place >= length for place in fields) or not fields[3] or not fields[7]:
            return False
        small = [(fields[key], most) for key, most in _SMALL.items() if key < len(fields) and fields[key]]
        return head[4:8] != b"TFL3" and all(source.whole("B", root + place) <= most for place, most in small)
    except FlatBufferError:
        return False
