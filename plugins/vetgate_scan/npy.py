"""Read the header of NumPy's array files: object arrays are pickles."""

from __future__ import annotations

import ast
import re
import struct

from vetgate_scan import pickle_rules as rules
from vetgate_scan.archive_rules import DAMAGED
from vetgate_scan.log import Log
from vetgate_scan.stream import read_pickle

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
"""Characters; numpy.load refuses longer ones by default, for evaluating them could end the process."""
_OBJECT = re.compile(r"[<>|=]?O\d*")


def read_array(data: memoryview, log: Log, where: str) -> None:
    """Note objects in an array, and follow their pickle."""
    header = _header(data)
    if header is None:
        log.found(DAMAGED, "the NumPy array has no readable header", where)
        return
    text, start = header
    try:
        stated = ast.literal_eval(text)
        kinds = str(stated["descr"])
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError):
        log.found(DAMAGED, "the header of the NumPy array is none", where)
        return
    if any(_OBJECT.fullmatch(word) for word in re.findall(r"[\w<>|=]+", kinds)):
        log.found(rules.OBJECT_ARRAY, "the NumPy array holds Python objects", where)
        read_pickle(data[start:], log, where)


def _header(data: memoryview) -> tuple[str, int] | None:
    if len(data) < 12 or data[6] not in (1, 2, 3):
        return None
    code, width = ("<H", 2) if data[6] == 1 else ("<I", 4)
    (length,) = struct.unpack_from(code, data, 8)
    start = 8 + width + length
    if length > _LONGEST_HEADER or start > len(data):
        return None
    return bytes(data[8 + width : start]).decode("latin-1"), start
