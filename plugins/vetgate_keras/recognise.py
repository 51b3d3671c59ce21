"""Tells Keras' archives by the names in them. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vetgate.api import Probe


def recognise(probe: Probe) -> bool:
    """Return whether it is an archive of Keras 3."""
    return "config.json" in probe.zip_members and any(name.endswith(".weights.h5") for name in probe.zip_members)
