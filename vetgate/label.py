"""Names as labels of charts and tables: short, and harmless whoever chose them. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import takewhile

LONGEST_NAME = 48


def short_names(names: Sequence[str]) -> list[str]:
    """Return names without the folder that all of them share, harmless and short."""
    parts = [name.split("/")[:-1] for name in names]
    shared = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, zip(*parts, strict=False)))
    return [shorten(plain("/".join(name.split("/")[shared:]))) for name in names]


def plain(text: str) -> str:
    r"""Return `text` with every character that cannot be seen spelled out, such as `\x1b` and `\n`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _spelled(char) for char in text)


def _spelled(char: str) -> str:
    if unicodedata.category(char) == "Zs":
        return " "
    return char.encode("unicode_escape").decode("ascii")


def shorten(text: str, most: int = LONGEST_NAME) -> str:
    """Return text in at most `most` characters; its middle gives way, for both ends of a path tell something."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"
