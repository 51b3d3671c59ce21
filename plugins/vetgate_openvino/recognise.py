"""Tells OpenVINO's XML by its first element, and where its weights lie. Standard library only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vetgate_runtime.content import is_ir

if TYPE_CHECKING:
    from vetgate.api import Probe

_WEIGHTS = ".bin"


def recognise(probe: Probe) -> bool:
    """Return whether the file begins as OpenVINO's XML does."""
    return is_ir(probe.head)


def members(path: Path) -> tuple[str, ...]:
    """Return the file with the weights, which has the model's name and ends in .bin; nothing of the XML is parsed."""
    return () if path.suffix == _WEIGHTS else (path.with_suffix(_WEIGHTS).name,)
