"""Look at bytes whose kind nobody told, and read them as what they are."""

from __future__ import annotations

from collections.abc import Callable

from vetgate_scan import archive_rules as rules
from vetgate_scan import leftover, legacy, npy, opcode, stream, tar, torch_zip, unpacking, zip_directory
from vetgate_scan.log import DEEPEST, Log, shown
from vetgate_scan.torch_rules import LEGACY_TAR

_FOREIGN = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x04\x22\x4d\x18": "LZ4",
}
_PROGRAMS = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"!<arch>\n",
)
_PE_AT = 0x3C
_LENGTH_OF_HEADER = 8
"""Bytes that a safetensors file begins with."""


def read_content(data: memoryview, log: Log, where: str) -> None:
    """Read a file or member of unknown kind: archives and what they hold, arrays, pickles, programs.

    What is none of them is taken for plain data, and nothing is noted.
    """
    if log.depth >= DEEPEST:
        log.found(rules.DEPTH, f"archives are nested more than {DEEPEST} deep", where)
        return
    log.depth += 1
    try:
        _read(data, log, where)
    finally:
        log.depth -= 1


def _read(data: memoryview, log: Log, where: str) -> None:
    # a tar's first member may be named as another format begins, so both are read
    is_tar = tar.is_tar(data)
    if is_tar:
        _read_tar(data, log, where)
    reader = _reader(data)
    if reader is not None:
        reader(data, log, where)
    elif is_program(data):
        log.found(rules.MACHINE_CODE, "the file is a program or a library of machine code", where)
    elif not is_tar:
        stream.read_unknown(data, log, where)


def _reader(data: memoryview) -> Callable[[memoryview, Log, str], None] | None:
    head = bytes(data[:16])
    if head.startswith((zip_directory.LOCAL, zip_directory.END)):
        return read_zip
    if head.startswith(npy.MAGIC):
        return npy.read_array
    if begins_pickle(data):
        return read_pickles
    if head.startswith(unpacking.PACKED_MAGICS) and _is_packed(head):
        return _read_packed
    return _read_foreign if head.startswith(tuple(_FOREIGN)) else None


def _read_foreign(data: memoryview, log: Log, where: str) -> None:
    head = bytes(data[:16])
    name = next(name for magic, name in _FOREIGN.items() if head.startswith(magic))
    log.found(rules.FOREIGN, f"the file is packed as {name}", where)


def read_pickles(data: memoryview, log: Log, where: str) -> None:
    """Read a file that begins as a pickle does: an older checkpoint, or pickles alone."""
    if legacy.is_checkpoint(data):
        legacy.read_checkpoint(data, log, where)
    else:
        stream.read_pickle(data, log, where)


def read_zip(data: memoryview, log: Log, where: str) -> None:
    """Read a zip archive: one of PyTorch's, or any other member by member."""
    entries = zip_directory.read_directory(data, log, where)
    if not entries:
        leftover.read_members(data, log, where)
    if torch_zip.is_torch(entries):
        torch_zip.read_archive(data, entries, log, where, read_content)
        return
    for entry in entries:
        inside = f"{where} > {shown(entry.name)}"
        if entry.is_folder or not entry.start:
            continue
        content = unpacking.member(data, entry, log, inside)
        if content is not None:
            check_sum(content, entry, log, inside)
            read_content(content, log, inside)


def check_sum(content: memoryview, entry: zip_directory.Entry, log: Log, where: str) -> None:
    """Note a checksum that does not fit."""
    if not unpacking.is_intact(content, entry):
        log.found(rules.CHECKSUM, "the member's checksum does not fit its content", where)


def is_program(data: memoryview) -> bool:
    """Return whether it is machine code of Linux, Windows or macOS."""
    head = bytes(data[:64])
    if head.startswith(_PROGRAMS):
        return True
    if not head.startswith(b"MZ") or len(head) < 64:
        return False
    at = int.from_bytes(head[_PE_AT : _PE_AT + 4], "little")
    return bytes(data[at : at + 4]) == b"PE\0\0"


def _is_packed(head: bytes) -> bool:
    if head[0] == 0x78:
        return int.from_bytes(head[:2], "big") % 31 == 0
    return head[:3] != b"BZh" or head[4:10] == b"1AY&SY"


def _read_packed(data: memoryview, log: Log, where: str) -> None:
    content = unpacking.packed_file(data, log, where)
    if content is not None:
        read_content(content, log, f"{where} > (unpacked)")


def _read_tar(data: memoryview, log: Log, where: str) -> None:
    names = set()
    for member in tar.members(data, log, where):
        names.add(member.name)
        read_content(member.content, log, f"{where} > {shown(member.name)}")
    if {"pickle", "storages"} & names:
        log.found(LEGACY_TAR, "the file is a checkpoint of PyTorch before 0.1.10", where)


def is_known(head: memoryview) -> bool:
    """Return whether a file's first 512 bytes are those of an archive, an array, a pickle or a program."""
    start = bytes(head[:16])
    magics = (zip_directory.LOCAL, zip_directory.END, npy.MAGIC, *unpacking.PACKED_MAGICS, *_FOREIGN)
    is_pickle = start[1:2] in (b"\0", b"\1", b"\2", b"\3", b"\4", b"\5") and begins_pickle(head)
    return start.startswith(magics) or is_pickle or tar.is_tar(head) or is_program(head)


def begins_pickle(data: memoryview) -> bool:
    """Return whether bytes begin as a pickle of protocol 2 or later does, and run beyond the eighth byte or import.

    The length of a safetensors header may look like the first instruction of one; what follows it is none then.
    """
    if bytes(data[:1]) != b"\x80":
        return False
    place = 0
    try:
        while place < _LENGTH_OF_HEADER:
            instruction = opcode.read(data, place)
            if instruction.name in ("GLOBAL", "INST"):
                return True
            place = instruction.end
    except opcode.CutOff:
        return True
    except opcode.Malformed:
        return False
    return True
