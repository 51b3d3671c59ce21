"""Tells ncnn's text by its first line, and where its weights lie. Standard library only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vetgate.api import Probe

_HEAD = re.compile(rb"7767517[ \t]*\r?\n")
_WEIGHTS = ".bin"


def recognise(probe: Probe) -> bool:
    """Return whether the file begins with the number that every ncnn model begins with, as text."""
    return _HEAD.match(probe.head) is not None


def members(path: Path) -> tuple[str, ...]:
    """Return the file with the weights, which has the model's name and ends in .bin; nothing of the text is parsed."""
    return () if path.suffix == _WEIGHTS else (path.with_suffix(_WEIGHTS).name,)
