"""Tells a TFLite FlatBuffer by its first eight bytes. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vetgate.api import Probe

_IDENTIFIER = b"TFL3"


def recognise(probe: Probe) -> bool:
    """Return whether the file carries TFLite's identifier and a root that FlatBuffers could have written.

    A file that was cut off is still TFLite, though its root may lie behind the end: converters write it first or last.
    """
    head = probe.head
    if len(head) < 8 or head[4:8] != _IDENTIFIER:
        return False
    root = int.from_bytes(head[:4], "little")
    return root >= 8 and root % 4 == 0
