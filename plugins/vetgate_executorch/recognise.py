"""Tells an ExecuTorch program by its identifier. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vetgate.api import Probe


def recognise(probe: Probe) -> bool:
    """Return whether the file carries the identifier of ExecuTorch's FlatBuffers, such as ET12."""
    mark = probe.head[4:8]
    return len(mark) == 4 and mark[:2] == b"ET" and mark[2:].isdigit()
