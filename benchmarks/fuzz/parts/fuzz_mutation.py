"""Changes that leave a container whole, so that what lies inside it is reached: a zip's members, a header's JSON."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable

SECOND_FILE = b"\n-- second file --\n"
"""Parts the two files of a format that has two, in one input."""
Change = Callable[[bytes, int, int], bytes]
"""Changes bytes: (data, most bytes, seed) -> data."""


def change_zip(data: bytes, most: int, seed: int, change: Change) -> bytes:
    """Return a zip with one member changed, dropped, doubled, renamed or moved; what is no zip is changed as bytes.

    Args:
        data: The zip.
        most: Bytes that the result may have.
        seed: Of every choice.
        change: Changes the bytes of a member.
    """
    draw = random.Random(seed)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist() if info.file_size <= 1 << 20]
    except Exception:  # a broken zip makes the library raise anything
        return change(data, most, seed)
    if not members or draw.random() < 0.2:
        return change(data, most, seed)
    _change_one(members, draw, change)
    return _zipped(members)


def _change_one(members: list[tuple[str, bytes]], draw: random.Random, change: Change) -> None:
    place = draw.randrange(len(members))
    name, content = members[place]
    match draw.randrange(12):
        case 0:
            members.pop(place)
        case 1:
            members.append((name, content))
        case 2:
            members[place] = (draw.choice([member for member, _ in members]), content)
        case 3:
            members[place] = (f"{name}{draw.choice(['', '/', '.pkl', '/../../x', '.pt'])}", content)
        case 4:
            members[place] = (name, draw.choice(members)[1])
        case _:
            members[place] = (name, change(content, max(len(content) * 2, 64), draw.randrange(1 << 30)))


def _zipped(members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name or "x"), content)
    return buffer.getvalue()


def change_header(data: bytes, most: int, seed: int, change: Change) -> bytes:
    """Return a file of safetensors whose header was changed, its length set right most of the time."""
    draw = random.Random(seed)
    if len(data) < 8 or draw.random() < 0.3:
        return change(data, most, seed)
    size = min(struct.unpack("<Q", data[:8])[0], len(data) - 8)
    header = change(data[8 : 8 + size], size * 2 + 64, seed)
    return struct.pack("<Q", len(header)) + header + data[8 + size :]


def change_two(data: bytes, most: int, seed: int, change: Change) -> bytes:
    """Return two files of which one was changed: the first by words and lines, the second byte by byte."""
    first, mark, second = data.partition(SECOND_FILE)
    if seed % 4:
        return change_text(first, most, seed) + mark + second
    return first + mark + change(second, most, seed) if mark else change(data, most, seed)


def change_program(data: bytes, most: int, seed: int, change: Change) -> bytes:
    """Return an ExecuTorch file whose program was changed, most of the time, its length and the weights kept."""
    at = data.find(b"eh00")
    if at < 0 or len(data) < at + 16 or seed % 8 == 0:
        return change(data, most, seed)
    size = min(int.from_bytes(data[at + 8 : at + 16], "little"), len(data))
    program = change(data[:size], size, seed)
    return program[:size].ljust(size, b"\0") + data[size:]


def change_bytes(data: bytes, most: int, seed: int) -> bytes:
    """Return bytes with a few changes; what a fuzzer without a mutator of its own uses."""
    draw, changed = random.Random(seed), bytearray(data)
    for _ in range(draw.randrange(1, 5)):
        at = draw.randrange(len(changed) + 1)
        match draw.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                changed[at : at + draw.choice([1, 4, 64])] = b""
            case 2:
                changed[at:at] = changed[draw.randrange(len(changed) + 1) :][: draw.choice([1, 8, 100])]
            case 3:
                changed[at : at + 4] = draw.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"])
            case 4:
                changed[at : at + 8] = struct.pack("<Q", draw.choice([1 << 63, 1 << 40, len(data), (1 << 64) - 1]))
            case _:
                if at < len(changed):
                    changed[at] ^= 1 << draw.randrange(8)
    return bytes(changed[:most])


def change_text(data: bytes, most: int, seed: int) -> bytes:
    """Return text with a word or line changed, dropped, doubled or moved."""
    draw, lines = random.Random(seed), data.split(b"\n")
    at = draw.randrange(len(lines))
    words = lines[at].split(b" ")
    word = draw.randrange(len(words))
    match draw.randrange(7):
        case 0:
            lines.insert(draw.randrange(len(lines) + 1), lines[at])
        case 1:
            lines.pop(at)
        case 2:
            words[word] = draw.choice(ODD)
        case 3:
            words[word] = draw.choice(draw.choice(lines).split(b" "))
        case 4:
            words.insert(word, draw.choice(ODD))
        case 5:
            return change_bytes(data, most, seed)
        case _:
            words[word] = words[word] + draw.choice(ODD)
    if at < len(lines):
        lines[at] = b" ".join(words)
    return b"\n".join(lines)[:most]


ODD = (
    *(b"-1", b"1e999", b".nan", b".inf", b"0x7f", b"1_000", b"null", b"~", b"true", b"[]", b"{}", b"{", b"]"),
    *(b"'", b'"', b"&a", b"*a", b"!!python/object:os.system", b"!!binary", b"2026-02-30", b"2026-01-01T00:00:00Z"),
    *(b"9" * 400, b"\xff\xfe", b"\xed\xa0\x80", b"\0", b"\xe2\x80\xae", b"%", b"1pp", b"1%rel", b"-0.0", b"<<"),
    *(b"? ", b"- ", b": ", b"|", b">", b"\t", b"\\ud800", b"1" + b"0" * 30),
)  # fmt: skip
"""Words that parsers trip over."""
STRUCTURED: dict[str, Callable[[bytes, int, int, Change], bytes]] = {
    "pt": change_zip,
    "pt2": change_zip,
    "keras": change_zip,
    "ncnn": change_two,
    "ir": change_two,
    "pte": change_program,
    "safetensors": change_header,
}
"""Targets whose container is kept whole, most of the time."""
