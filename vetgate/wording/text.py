"""Text from models, data and people made harmless and short.

Class names, file names, findings and metadata come with untrusted models. Unseen characters among them can colour a
terminal, move its cursor, start a line that looks like a verdict, or turn the reading order round.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from vetgate.label import plain, shorten

__all__ = ["common_folder", "counted", "folded", "name", "plain", "sentence", "shorten", "stacked"]

LONGEST_NAME = 60
"""Characters of a name in a table."""
LONGEST_SENTENCE = 1000
"""Characters of a sentence; what is longer is data, and stands in the JSON report."""


def name(text: str, most: int = LONGEST_NAME) -> str:
    """Return an untrusted name, harmless and short."""
    return shorten(plain(shorten(text, most)), most)


def stacked(text: str, width: int) -> str:
    """Return a name on lines of about `width` characters, broken where its parts meet: at `/`, `.`, `-` and `_`."""
    lines = [""]
    for part in re.split(r"(?=[/.])|(?<=[-_])", text):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def folded(text: str, width: int) -> str:
    """Return a sentence on lines of at most `width` characters, broken between words where it has any."""
    return "\n".join(textwrap.wrap(text, width))


def common_folder(paths: Sequence[str]) -> str:
    """Return the folder that all paths begin with, its last `/` included; empty where there is none."""
    shared = []
    for parts in zip(*(path.split("/")[:-1] for path in paths), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(f"{parts[0]}/")
    return "".join(shared)


def sentence(text: str) -> str:
    """Return an untrusted sentence, harmless, its end cut off where it is no sentence any more."""
    clean = plain(text[: LONGEST_SENTENCE + 1])
    return clean if len(clean) <= LONGEST_SENTENCE else f"{clean[: LONGEST_SENTENCE - 1]}…"


def counted(number: int, noun: str) -> str:
    """Return `1 image` or `2,000 images`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
