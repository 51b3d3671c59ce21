"""Read a zip archive's directory as strictly as no unpacker does.

Python's zipfile, PyTorch's miniz and others forgive different things: bytes before the first member, a directory that
contradicts the members' own headers, flags, second directories. Each difference is a way to show scanners another
archive than loaders. Here every byte must belong to a member, its header or the directory, and all that is said twice
must be said alike; then every parser sees the same members. That is why zipfile itself is not used.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vetgate_scan import archive_rules as rules
from vetgate_scan.log import Log, shown

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END64, _LOCATOR, _DESCRIPTOR = b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08"
_LONGEST_COMMENT = 65535
_FLAGS = 0b1000_0000_1110
"""Deflate's level, sizes behind the data, names in UTF-8."""
_BEHIND = 0b1000
_UTF8 = 1 << 11


@dataclass(frozen=True)
class Entry:
    """One member, as both its headers state it."""

    name: str
    method: int
    flags: int
    crc: int
    packed: int
    """Bytes in the archive."""
    size: int
    """Bytes unpacked, as stated."""
    offset: int
    """Of its local header."""
    mode: int
    """Unix mode, 0 where it states none."""
    raw_name: bytes = b""
    start: int = 0
    """Of its data."""
    end: int = 0
    """Behind its data and what is said behind them."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/")


@dataclass(frozen=True)
class _Directory:
    count: int
    start: int
    end: int
    shift: int
    """Bytes before the archive, by which all offsets are too small."""


def read_directory(data: memoryview, log: Log, where: str) -> tuple[Entry, ...]:
    """Return the members, noting whatever parsers could understand differently."""
    try:
        if _is_cut_off(data):
            log.cut_off(rules.DAMAGED, "the zip archive is cut off before the end of its directory", where)
            return ()
        directory = _find(data, log, where)
        if directory is None:
            log.found(rules.DAMAGED, "the zip archive has no readable directory", where)
            return ()
        if directory.count > log.members:
            log.found(rules.COUNT, f"the archive states {directory.count} members", where)
            return ()
        entries = [_placed(data, entry, directory, log, where) for entry in _central(data, directory, log, where)]
    except (struct.error, IndexError):
        log.found(rules.DAMAGED, "the zip archive's directory is cut off", where)
        return ()
    _check_layout(data, entries, directory, log, where)
    _check_names(entries, log, where)
    return tuple(entries)


def _is_cut_off(data: memoryview) -> bool:
    # without the whole of an end no reader that asks for the directory finds one
    tail = bytes(data[max(0, len(data) - _LONGEST_COMMENT - 22) :])
    place = tail.rfind(END)
    if place < 0 or len(tail) - place < 22:
        return True
    # the end of an archive within this one, with more of this one behind it: its own end is what is missing
    (comment,) = struct.unpack_from("<H", tail, place + 20)
    behind = tail[place + 22 + comment :]
    more = any(sign in behind for sign in (LOCAL, CENTRAL, _DESCRIPTOR))
    return more and bytes(data[:4]) == LOCAL and _begins(data, len(data) - len(tail) + place) > 0


def _begins(data: memoryview, end: int) -> int:
    """Return where the archive begins whose end stands at a place."""
    size, offset = struct.unpack_from("<2I", data, end + 12)
    stop = end
    if end >= 76 and data[end - 20 : end - 16] == _LOCATOR and data[end - 76 : end - 72] == _END64:
        stop = end - 76
        size, offset = struct.unpack_from("<2Q", data, stop + 40)
    return int(stop - size - offset)


def _find(data: memoryview, log: Log, where: str) -> _Directory | None:
    start = max(0, len(data) - _LONGEST_COMMENT - 22)
    tail = bytes(data[start:])
    place = tail.rfind(END)
    end = start + place
    disk, first_disk, here, count, size, offset, comment = struct.unpack_from("<4H2IH", tail, place + 4)
    if end + 22 + comment != len(data) or _is_second_end(tail, place):
        log.found(rules.HIDDEN, "bytes follow the end of the zip archive, or it has a second end", where)
    if disk or first_disk or here != count:
        log.found(rules.DAMAGED, "the zip archive says that it is one of several parts", where)
    stop = end
    if end >= 20 and data[end - 20 : end - 16] == _LOCATOR:
        (at,) = struct.unpack_from("<Q", data, end - 20 + 8)
        stop = _end64_at(data, at, end)
        count64, size64, offset64 = struct.unpack_from("<3Q", data, stop + 32)
        if not _agrees((count, size, offset), (count64, size64, offset64)) or stop != at:
            log.found(rules.MISMATCH, "the two ends of the zip archive state different directories", where)
        count, size, offset = count64, size64, offset64
    if size > stop or count > size:
        return None
    return _Directory(count, stop - size, stop, stop - size - offset)


def _is_second_end(tail: bytes, place: int) -> bool:
    # the signature may stand in a member's data by chance; an end whose comment reaches to the end of the file may not
    other = tail.rfind(END, 0, place)
    while other >= 0:
        (comment,) = struct.unpack_from("<H", tail, other + 20)
        if other + 22 + comment == len(tail):
            return True
        other = tail.rfind(END, 0, other)
    return False


def _end64_at(data: memoryview, stated: int, end: int) -> int:
    close = end - 20 - 56
    for place in (stated, close):
        if 0 <= place <= end - 56 and data[place : place + 4] == _END64:
            return place
    raise IndexError


def _agrees(short: tuple[int, int, int], long: tuple[int, int, int]) -> bool:
    limits = (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    return all(a in (b, limit) for a, b, limit in zip(short, long, limits, strict=True))


def _central(data: memoryview, directory: _Directory, log: Log, where: str) -> Iterator[Entry]:
    place, seen = directory.start, 0
    log.members -= directory.count
    while seen < directory.count and data[place : place + 4] == CENTRAL:
        entry, place = _central_header(data, place)
        seen += 1
        yield entry
    if place != directory.end or seen != directory.count:
        log.found(rules.MISMATCH, f"the directory states {directory.count} members and lists others", where)


def _central_header(data: memoryview, place: int) -> tuple[Entry, int]:
    made, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment = struct.unpack_from(
        "<6H3I3H", data, place + 4
    )
    attributes, offset = struct.unpack_from("<2I", data, place + 38)
    at = place + 46
    raw = bytes(data[at : at + name_length])
    extra = bytes(data[at + name_length : at + name_length + extra_length])
    size, packed, offset = _long(extra, (size, packed, offset))
    mode = attributes >> 16 if made >> 8 == 3 else 0
    name = raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    entry = Entry(name, method, flags, crc, packed, size, offset, mode, raw)
    return entry, at + name_length + extra_length + comment


def _long(extra: bytes, values: tuple[int, ...]) -> list[int]:
    """Return sizes and offsets, those that are too long for 32 bits from the extra field."""
    result = list(values)
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, place)
        body = extra[place + 4 : place + 4 + length]
        place += 4 + length
        if kind != 1:
            continue
        for index, value in enumerate(values):
            if value == 0xFFFFFFFF and len(body) >= 8:
                (result[index],) = struct.unpack_from("<Q", body)
                body = body[8:]
    return result


def _placed(data: memoryview, entry: Entry, directory: _Directory, log: Log, where: str) -> Entry:
    """Return the member with where its data lie, once its own header is seen to agree."""
    place = entry.offset + directory.shift
    inside = f"{where} > {shown(entry.name)}"
    if place < 0 or place + 30 > directory.start or data[place : place + 4] != LOCAL:
        log.found(rules.DAMAGED, "the directory leads to no header of a member", inside)
        return entry
    _, flags, method, _, _, crc, packed, size, name_length, extra_length = struct.unpack_from(
        "<5H3I2H", data, place + 4
    )
    start = place + 30 + name_length + extra_length
    extra = bytes(data[place + 30 + name_length : start])
    size, packed = _long(extra, (size, packed))
    if bytes(data[place + 30 : place + 30 + name_length]) != entry.raw_name:
        log.found(rules.MISMATCH, "the directory gives the member another name than its header", inside)
    elif (flags, method) != (entry.flags, entry.method) or not _same(entry, crc, packed, size):
        log.found(rules.MISMATCH, "the directory and the member's header disagree on size, method or flags", inside)
    end = start + entry.packed
    if end > directory.start:
        log.found(rules.DAMAGED, "the member is cut off", inside)
        return entry
    if entry.flags & _BEHIND:
        end = _behind(data, entry, end, log, inside)
    return replace(entry, offset=place, start=start, end=end)


def _same(entry: Entry, crc: int, packed: int, size: int) -> bool:
    if entry.flags & _BEHIND and (crc, packed, size) == (0, 0, 0):
        return True
    stated = (entry.crc, entry.packed, entry.size)
    return all(a == b or (entry.flags & _BEHIND and not a) for a, b in zip((crc, packed, size), stated, strict=True))


def _behind(data: memoryview, entry: Entry, place: int, log: Log, where: str) -> int:
    """Return where the description behind the data ends."""
    start = place + 4 if data[place : place + 4] == _DESCRIPTOR else place
    for code, width in (("<3I", 12), ("<I2Q", 20)):
        if start + width <= len(data) and struct.unpack_from(code, data, start)[1:] == (entry.packed, entry.size):
            return start + width
    log.found(rules.MISMATCH, "what stands behind the member's data states another size", where)
    return place


def _check_layout(data: memoryview, entries: list[Entry], directory: _Directory, log: Log, where: str) -> None:
    """Note bytes that belong to no member, and bytes that belong to two."""
    place = 0
    for entry in sorted((entry for entry in entries if entry.start), key=lambda entry: entry.offset):
        if entry.offset < place:
            log.found(rules.BOMB, "members of the archive overlap", f"{where} > {shown(entry.name)}")
        elif entry.offset > place and any(data[place : entry.offset]):
            log.found(rules.HIDDEN, f"{entry.offset - place} bytes before this member belong to none", where)
        place = max(place, entry.end)
    if directory.start > place and any(data[place : directory.start]):
        log.found(rules.HIDDEN, f"{directory.start - place} bytes behind the last member belong to none", where)
    if directory.shift:
        log.found(rules.HIDDEN, f"the zip archive begins {directory.shift} bytes into the file", where)


def _check_names(entries: list[Entry], log: Log, where: str) -> None:
    seen: set[str] = set()
    for entry in entries:
        inside = f"{where} > {shown(entry.name)}"
        check_name(entry.name, log, inside)
        # PyTorch's reader finds members whatever their case
        plain = "/".join(part for part in entry.name.casefold().split("/") if part not in ("", "."))
        if plain in seen:
            log.found(rules.DUPLICATE, "the archive holds two members of this name", inside)
        seen.add(plain)
        kind = stat.S_IFMT(entry.mode)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            log.found(rules.LINK, "the member is a link or a device", inside)
        if entry.flags & ~_FLAGS:
            log.found(rules.ENCRYPTED, "the member is marked as encrypted, or by flags that nobody uses", inside)


def check_name(name: str, log: Log, where: str) -> None:
    """Note a name that leads out of the folder in which an archive is unpacked."""
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or parts[0].endswith(":") or parts[0] == "" or "\0" in name or "\\" in name:
        log.found(rules.TRAVERSAL, "the member's name leads out of the folder that it is unpacked in", where)
