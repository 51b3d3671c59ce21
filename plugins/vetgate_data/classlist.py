"""classes.txt: the classes of an image folder in label order, also those that no image shows."""

from __future__ import annotations

from collections import Counter

from vetgate.api import DataError

NAME = "classes.txt"
LONGEST = 10_000_000
"""Bytes; a longer list is refused."""


def parse_classes(encoded: bytes, where: str) -> tuple[str, ...]:
    """Return the class folders by label.

    Args:
        encoded: UTF-8 text, one class a line: either the folder's name, its line being its label, or
            `INDEX<TAB>FOLDER[<TAB>DISPLAY NAME]`, INDEX being its label.
        where: The file, for messages.

    Raises:
        DataError: A line is neither, the two forms are mixed, or the labels are not each of 0 to C - 1 once.
    """
    if len(encoded) > LONGEST:
        raise DataError(f"{where} is longer than {LONGEST:,} bytes")
    try:
        text = encoded.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{where} is no UTF-8 text") from None
    lines = [line.rstrip("\r") for line in text.rstrip().split("\n")]
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise DataError(f"{where}:{number}: the line is empty, so that the labels after it are in doubt")
    if not any("\t" in line for line in lines):
        return _distinct([line.strip() for line in lines], where)
    numbered = dict(_indexed(line, f"{where}:{number}") for number, line in enumerate(lines, start=1))
    if sorted(numbered) != list(range(len(lines))):
        raise DataError(
            f"{where} has {len(lines)} lines, but its indices are not each of 0 to {len(lines) - 1} once",
            hint="labels count from 0 and leave none out",
        )
    return _distinct([numbered[label] for label in range(len(lines))], where)


def _indexed(line: str, where: str) -> tuple[int, str]:
    index, *rest = [part.strip() for part in line.split("\t")]
    if not (index.isascii() and index.isdigit() and 1 <= len(rest) <= 2 and rest[0]):
        raise DataError(f"{where}: expected INDEX<TAB>FOLDER[<TAB>DISPLAY NAME], got {line[:60]!r}")
    return int(index), rest[0]


def _distinct(names: list[str], where: str) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DataError(f"{where} lists the class {twice!r} twice")
    return tuple(names)
