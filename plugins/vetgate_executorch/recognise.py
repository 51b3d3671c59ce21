"""Tells an ExecuTorch program by its identifier. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vetgate_runtime.content import is_executorch

if TYPE_CHECKING:
    from vetgate.api import Probe


def recognise(probe: Probe) -> bool:
    """Return whether the file carries ExecuTorch's identifier."""
    return is_executorch(probe.head)
