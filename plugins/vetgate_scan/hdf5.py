"""Looks in the bytes of HDF5 files for data that are kept in other files, and for configurations of Keras.

Messages of HDF5 are compressed nowhere but in the heap of a group's links; Keras never does that, and it is a finding.
So a sweep over the bytes finds each that a reader could reach, and those that are hidden from it too. Following the
structure with HDF5's own library would hand it the hostile bytes, and own code would have to know five kinds of tables.
The format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from vetgate_scan.wire import Data

MARK = b"\x89HDF\r\n\x1a\n"
_LINK = re.compile(rb"\x01[\x08-\x0f\x18-\x1f]\x40")
"""Version 1, flags that say that a type follows, type 64."""
_STORAGE = re.compile(rb"\x01\0\0\0([\x01-\xff]\0|.[\x01-\x0f])(?=[\x01-\xff]\0|.[\x01-\x0f])", re.DOTALL)
"""Version 1 and two counts of an external file list."""
_VIRTUAL = re.compile(rb"[\x04\x05]\x03(?=.{8})", re.DOTALL)
"""A data layout of class 3."""
_PACKED_HEAP = re.compile(rb"FRHP\0..(?!\0\0)", re.DOTALL)
"""A heap of links or attributes that goes through filters."""
_HEAP, _GLOBAL_HEAP = b"HEAP", b"GCOL"
_WIDTHS = {0: 13, 1: 13, 2: 9, 3: 9}
"""Versions of the first block to where it says how many bytes addresses and lengths take."""
_NAME = re.compile(rb"[^\0-\x1f\x7f]{1,4096}\0")
_CONFIG = re.compile(rb'\{\s{0,8}"(?:class_name|module|config|name|backend|keras_version|registered_name)"\s{0,8}:')
_LONGEST_CONFIG = 64 << 20


def is_plain(data: Data) -> bool:
    """Return whether addresses count from the first byte and take eight, as Keras writes them and as is read here."""
    place = _WIDTHS.get(data[8]) if len(data) > 16 and data[:8] == MARK else None
    return place is not None and data[place : place + 2] == b"\x08\x08"


def packed_links(data: Data) -> Iterator[int]:
    """Yield where heaps of links stand that are compressed, so that nobody can read here where they lead."""
    for match in _PACKED_HEAP.finditer(data):
        yield match.start()


def external_links(data: Data) -> Iterator[tuple[int, bytes]]:
    """Yield where external links stand and the files that they name."""
    for match in _LINK.finditer(data):
        name = _linked(data, match.start())
        if name:
            yield match.start(), name


def _linked(data: Data, start: int) -> bytes | None:
    """Return the file name of a link message, or None where the bytes are none."""
    flags = data[start + 1]
    position = start + 3 + (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(data[position : position + width], "little")
    position += width
    if not length or position + length + 2 > len(data):
        return None
    position += length
    size = int.from_bytes(data[position : position + 2], "little")
    value = data[position + 2 : position + 2 + size]
    name = _name_at(value, 1) if value[:1] == b"\0" else None
    return name if name is not None and _is_text(name) else None


def _is_text(name: bytes) -> bool:
    """Return whether bytes may be the name of a file; those of weights seldom are."""
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def external_storage(data: Data) -> Iterator[tuple[int, bytes]]:
    """Yield where data sets say that their bytes are in other files, and the first file of each."""
    for match in _STORAGE.finditer(data):
        start = match.start()
        allocated, used = struct.unpack("<HH", data[start + 4 : start + 8])
        address = int.from_bytes(data[start + 8 : start + 16], "little")
        if 0 < used <= allocated <= 4096 and data[address : address + 4] == _HEAP:
            segment = int.from_bytes(data[address + 24 : address + 32], "little")
            offset = int.from_bytes(data[start + 16 : start + 24], "little")
            yield start, _name_at(data[segment + offset : segment + offset + 4097], 0) or b"?"


def virtual_data(data: Data) -> Iterator[int]:
    """Yield where data sets say that they are put together from others."""
    for match in _VIRTUAL.finditer(data):
        start = match.start()
        address = int.from_bytes(data[start + 2 : start + 10], "little")
        if address and data[address : address + 4] == _GLOBAL_HEAP:
            yield start


def configs(data: Data) -> Iterator[tuple[int, bytes]]:
    """Yield configurations of models: where, and the bytes of an object that may be JSON."""
    end = 0
    for number, match in enumerate(_CONFIG.finditer(data)):
        if number > 100_000 or match.start() < end:
            continue
        text = _object_at(data, match.start())
        if text:
            end = match.start() + len(text)
            yield match.start(), text


def _object_at(data: Data, start: int) -> bytes:
    """Return the bytes of a JSON object that begins at an offset, by its brackets; without an end up to a zero."""
    stop = data.find(b"\0", start, start + _LONGEST_CONFIG)
    text = data[start : stop if stop >= 0 else start + _LONGEST_CONFIG]
    depth, quote = 0, False
    for match in _TOKENS.finditer(text):
        token = match.group()
        if token == b'"':
            quote = not quote
        elif not quote and len(token) == 1:
            depth += 1 if token in b"{[" else -1
            if depth == 0:
                return text[: match.end()]
    return text


_TOKENS = re.compile(rb'\\.|["{}\[\]]', re.DOTALL)


def _name_at(value: bytes, position: int) -> bytes | None:
    match = _NAME.match(value, position)
    return match.group()[:-1] if match else None
