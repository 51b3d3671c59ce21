"""Read a tar archive's headers.

The standard library's tarfile followed negative sizes forever in Python before 3.13.6 (CVE-2025-8194) and reads
extended headers of any size into memory; these few lines refuse both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vetgate_scan import archive_rules as rules
from vetgate_scan.log import Log, shown
from vetgate_scan.zip_directory import check_name

BLOCK = 512
_LONGEST_NAME = 1 << 16
_PLAIN = b"0\x007"
_FOLDER = b"5"


class TarMember(NamedTuple):
    """One regular file."""

    name: str
    content: memoryview


def is_tar(data: memoryview) -> bool:
    """Return whether it begins with a tar header, of whatever age."""
    return len(data) >= BLOCK and any(data[:100]) and _checksum_fits(bytes(data[:BLOCK]))


def members(data: memoryview, log: Log, where: str) -> Iterator[TarMember]:
    """Yield regular files, noting names that lead outside, links, devices, and headers that cannot be followed."""
    place, name = 0, ""
    seen: set[str] = set()
    while place + BLOCK <= len(data):
        header = bytes(data[place : place + BLOCK])
        if not any(header):
            break
        log.members -= 1
        size = _size(header, len(data) - place)
        if size is None or log.members < 0:
            log.found(rules.DAMAGED, "a header of the tar archive is damaged, or there are too many", where)
            return
        content = data[place + BLOCK : place + BLOCK + size]
        place += BLOCK + -(-size // BLOCK) * BLOCK
        kind = header[156:157]
        if kind in b"LxgK":
            name = _long_name(kind, content, log, where) or name
            continue
        name, told = "", name or _name(header)
        inside = f"{where} > {shown(told)}"
        if told in seen:
            log.found(rules.DUPLICATE, "the archive holds two members of this name", inside)
        seen.add(told)
        _check(kind, told, header, log, inside)
        if kind in _PLAIN:
            yield TarMember(told, content)
    if any(data[place:]):
        log.found(rules.HIDDEN, "bytes follow the end of the tar archive", where)


def _size(header: bytes, room: int) -> int | None:
    """Return the bytes of a member, or None where its header is none, or states more than there are."""
    size = _number(header[124:136]) if _checksum_fits(header) else None
    return size if size is not None and BLOCK + size <= room else None


def _check(kind: bytes, name: str, header: bytes, log: Log, where: str) -> None:
    check_name(name.removeprefix("./"), log, where)
    if kind not in _PLAIN + _FOLDER:
        log.found(rules.LINK, f"the member is a link to {shown(_text(header[157:257]))} or a device", where)


def _long_name(kind: bytes, content: memoryview, log: Log, where: str) -> str:
    if len(content) > _LONGEST_NAME:
        log.found(rules.BOMB, f"an extended header of the tar archive has {len(content)} bytes", where)
        return ""
    raw = bytes(content)
    if kind == b"L":
        return _text(raw)
    if kind == b"K":
        return ""
    found = ""
    while raw:
        length, _, _ = raw.partition(b" ")
        if not length.isdigit() or not 0 < int(length[:9]) <= len(raw):
            break
        key, _, value = raw[len(length) + 1 : int(length)].rstrip(b"\n").partition(b"=")
        raw = raw[int(length) :]
        if key == b"path":
            found = _text(value)
        elif key == b"size":
            log.found(rules.MISMATCH, "an extended header of the tar archive states another size", where)
    return found


def _name(header: bytes) -> str:
    prefix = _text(header[345:500]) if header[257:262] == b"ustar" else ""
    name = _text(header[:100])
    return f"{prefix}/{name}" if prefix else name


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace")


def _number(raw: bytes) -> int | None:
    if raw[:1] in (b"\x80", b"\xff"):
        value = int.from_bytes(raw[1:], "big")
        return value if raw[:1] == b"\x80" else None
    text = raw.strip(b" \0")
    if not text:
        return 0
    return int(text, 8) if all(digit in b"01234567" for digit in text) else None


def _checksum_fits(header: bytes) -> bool:
    stated = _number(header[148:156])
    return stated is not None and stated == sum(header[:148]) + 8 * 32 + sum(header[156:])
