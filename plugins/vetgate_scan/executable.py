"""Tells programs, scripts and documents by their first bytes, wherever in a file they stand."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import PurePosixPath

from vetgate_scan.wire import Data

_PE_MACHINES = frozenset({0x14C, 0x8664, 0xAA64, 0x1C0, 0x1C4})
_MACH_MAGIC = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe")
_MACH_PROCESSORS = frozenset({7, 12, 0x01000007, 0x0100000C})
_MACH_KINDS = range(1, 13)
_ELF_KINDS = range(1, 5)
_ELF_MACHINES = frozenset({3, 8, 20, 21, 22, 40, 62, 94, 164, 183, 190, 224, 243, 247, 258})
"""e_machine of processors, accelerators among them (MIPS, CUDA, Hexagon, Xtensa, AMD GPU, RISC-V)."""
_FAT = b"\xca\xfe\xba\xbe"
_HEADS: tuple[tuple[bytes, str], ...] = (
    (b"#!", "a script"), (b"\0asm", "a WebAssembly program"), (b"dex\n", "an Android program"),
    (_FAT, "a Java class or a universal macOS program"), (b"<?php", "a PHP script"), (b"%!PS", "a PostScript program"),
    (b"L\0\0\0\x01\x14\x02\0", "a Windows shortcut"), (b"MSCF", "a Windows cabinet"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document with macros, or an installer"),
)  # fmt: skip
_DOCUMENT = re.compile(rb"%PDF-1|%PDF-2|<!doctype html|<html[ >]|<script[ >]|<svg[ >]|<\?php", re.IGNORECASE)
_SUFFIXES = frozenset(
    [
        ".exe",
        ".dll",
        ".so",
        ".dylib",
        ".sh",
        ".bash",
        ".bat",
        ".cmd",
        ".ps1",
        ".py",
        ".pyc",
        ".pyd",
        ".pkl",
        ".pickle",
        ".pt",
        ".pth",
        ".js",
        ".mjs",
        ".vbs",
        ".wsf",
        ".hta",
        ".jar",
        ".class",
        ".apk",
        ".dex",
        ".php",
        ".pl",
        ".rb",
        ".lua",
        ".com",
        ".scr",
        ".msi",
        ".lnk",
        ".app",
        ".bin.exe",
        ".ko",
        ".elf",
        ".html",
        ".htm",
        ".svg",
        ".desktop",
    ]
)


def program_at(data: Data, position: int) -> str | None:
    """Return what program begins at a position, such as `an ELF program`, or None."""
    head = data[position : position + 64]
    if head.startswith(b"\x7fELF"):
        return "an ELF program" if _is_elf(head) else None
    if head.startswith(b"MZ") and _is_pe(data, position):
        return "a Windows program"
    if head[:4] in _MACH_MAGIC and _is_mach(head):
        return "a macOS program"
    return None


def head_of(data: Data, position: int = 0) -> str | None:
    """Return what program or script begins at a position where a file or member begins, or None."""
    head = data[position : position + 16]
    told = next((name for magic, name in _HEADS if head.startswith(magic)), None)
    return told or program_at(data, position)


def document_in(head: bytes) -> str | None:
    """Return the mark of a page or document that viewers look for in the first bytes, or None."""
    found = _DOCUMENT.search(head[:1024])
    return found.group().decode() if found else None


def programs(data: Data) -> Iterator[tuple[int, str]]:
    """Yield position and kind of every program in a file; linear in its size."""
    for magic in (b"\x7fELF", *_MACH_MAGIC):
        position = data.find(magic)
        while position >= 0:
            kind = program_at(data, position)
            if kind:
                yield position, kind
            position = data.find(magic, position + 1)
    position = data.find(b"PE\0\0")
    while position >= 0:
        for start in _starts_of_pe(data, position):
            yield start, "a Windows program"
        position = data.find(b"PE\0\0", position + 1)


def is_program_name(name: str) -> bool:
    """Return whether a file name is one that a system would run or a loader would unpickle."""
    return PurePosixPath(name.lower()).suffix in _SUFFIXES


def _is_elf(head: bytes) -> bool:
    if len(head) < 20 or head[4] not in (1, 2) or head[5] not in (1, 2) or head[6] != 1:
        return False
    kind, machine = struct.unpack_from("<HH" if head[5] == 1 else ">HH", head, 16)
    return kind in _ELF_KINDS and machine in _ELF_MACHINES


def _is_mach(head: bytes) -> bool:
    if len(head) < 16:
        return False
    processor, _, kind = struct.unpack_from("<III", head, 4)
    return processor in _MACH_PROCESSORS and kind in _MACH_KINDS


def _is_pe(data: Data, position: int) -> bool:
    field = data[position + 60 : position + 64]
    if len(field) < 4:
        return False
    header = position + int.from_bytes(field, "little")
    return _is_pe_header(data, header)


def _is_pe_header(data: Data, header: int) -> bool:
    head = data[header : header + 6]
    return len(head) == 6 and head[:4] == b"PE\0\0" and int.from_bytes(head[4:], "little") in _PE_MACHINES


def _starts_of_pe(data: Data, header: int) -> Iterator[int]:
    """Yield where the program of a PE header begins: an MZ before it that points to it."""
    if not _is_pe_header(data, header):
        return
    first = max(0, header - 4096)
    before = data[first:header]
    start = before.rfind(b"MZ")
    for _ in range(64):
        if start < 0:
            return
        if int.from_bytes(data[first + start + 60 : first + start + 64], "little") == header - first - start:
            yield first + start
            return
        start = before.rfind(b"MZ", 0, start)
