"""Tells ncnn's text by its first line, and where its weights lie. Standard library only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vetgate_runtime.content import is_ncnn

if TYPE_CHECKING:
    from vetgate.api import Probe

_WEIGHTS = ".bin"


def recognise(probe: Probe) -> bool:
    """Return whether the file begins as ncnn's text does."""
    return is_ncnn(probe.head)


def members(path: Path) -> tuple[str, ...]:
    """Return the file with the weights, which has the model's name and ends in .bin; nothing of the text is parsed."""
    return () if path.suffix == _WEIGHTS else (path.with_suffix(_WEIGHTS).name,)
