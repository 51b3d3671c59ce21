"""Tells MNN's models by how their root lies, for they bear no mark. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vetgate_runtime.content import is_mnn

if TYPE_CHECKING:
    from vetgate.api import Probe


def recognise(probe: Probe) -> bool:
    """Return whether the file begins as MNN's converter writes models."""
    return is_mnn(probe.head)
