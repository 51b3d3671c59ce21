"""Unpack what is packed, never more than a scan can afford."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from vetgate_scan import archive_rules as rules
from vetgate_scan.log import Log
from vetgate_scan.zip_directory import Entry

MOST_HELD = 256 << 20
"""Bytes of one packed member that are held in memory; weights are stored unpacked and cost nothing."""
_LEAST_BOMB = 16 << 20
_MOST_RATIO = 500
"""Deflate reaches 1,032 on zeros; weights, pruned ones too, stay below 50."""
_PIECE = 1 << 20
_LZMA_MEMORY = 128 << 20
STORED, DEFLATED = 0, 8


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def member(data: memoryview, entry: Entry, log: Log, where: str) -> memoryview | None:
    """Return the content of a zip's member, or None where it cannot be read; that is a finding."""
    packed = data[entry.start : entry.start + entry.packed]
    if entry.method == STORED:
        if entry.size != entry.packed:
            log.found(rules.MISMATCH, "the member is stored as it is, yet two sizes are stated for it", where)
        return packed
    if entry.method != DEFLATED:
        log.found(rules.METHOD, f"the member is packed by method {entry.method}, which the scan does not read", where)
        return None
    if _is_bomb(entry.size, entry.packed, log, where):
        return None
    unpacker = zlib.decompressobj(-15)
    try:
        content = unpacker.decompress(packed, entry.size + 1)
    except zlib.error:
        log.found(rules.DAMAGED, "the member cannot be unpacked", where)
        return None
    log.expanded -= len(content)
    if len(content) > entry.size:
        log.found(rules.MISMATCH, "the member holds more than its stated size", where)
    elif len(content) < entry.size:
        log.found(rules.DAMAGED, "the member holds less than its stated size", where)
    return memoryview(content)


def is_intact(content: memoryview, entry: Entry) -> bool:
    """Return whether a member's checksum fits."""
    return zlib.crc32(content) == entry.crc


def _is_bomb(size: int, packed: int, log: Log, where: str) -> bool:
    if size > min(MOST_HELD, log.expanded):
        log.found(rules.BOMB, f"the member expands to {size} bytes, more than the scan unpacks", where)
        return True
    if size > _LEAST_BOMB and size > _MOST_RATIO * packed:
        log.found(rules.BOMB, f"the member expands from {packed} to {size} bytes", where)
        return True
    return False


def packed_file(data: memoryview, log: Log, where: str) -> memoryview | None:
    """Return the content of a gzip, bzip2, xz or zlib file, or None where it cannot be read; that is a finding."""
    open_unpacker = next((opens for magic, opens in _UNPACKERS if bytes(data[: len(magic)]) == magic), None)
    if open_unpacker is None:
        return None
    limit = min(MOST_HELD, log.expanded, max(_LEAST_BOMB, _MOST_RATIO * len(data)))
    try:
        content, rest = _unpacked(open_unpacker(), data, limit)
    except (zlib.error, OSError, lzma.LZMAError, EOFError):
        log.found(rules.DAMAGED, "the packed file cannot be unpacked", where)
        return None
    log.expanded -= len(content)
    if len(content) > limit:
        log.found(rules.BOMB, f"the packed file expands to more than {limit} bytes", where)
        return None
    if rest:
        log.found(rules.HIDDEN, f"{rest} bytes follow the end of the packed file", where)
    return memoryview(content)


def _unpacked(unpacker: _Unpacker, data: memoryview, limit: int) -> tuple[bytes, int]:
    """Return the content, one byte longer than the limit where it is larger, and the bytes behind its end."""
    pieces, held, place = [], 0, 0
    while not unpacker.eof and held <= limit:
        waiting = getattr(unpacker, "unconsumed_tail", b"")
        if not waiting and place < len(data) and getattr(unpacker, "needs_input", True):
            waiting = bytes(data[place : place + _PIECE])
            place += len(waiting)
        piece = unpacker.decompress(waiting, min(_PIECE, limit + 1 - held))
        if not piece and not waiting:
            raise EOFError
        pieces.append(piece)
        held += len(piece)
    return b"".join(pieces), len(data) - place + len(unpacker.unused_data) if unpacker.eof else 0


_UNPACKERS: tuple[tuple[bytes, Callable[[], _Unpacker]], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(31)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)),
    *((bytes((0x78, level)), zlib.decompressobj) for level in (0x01, 0x5E, 0x9C, 0xDA)),
    (b"\x5d\0\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY)),
)
PACKED_MAGICS = tuple(magic for magic, _ in _UNPACKERS)
