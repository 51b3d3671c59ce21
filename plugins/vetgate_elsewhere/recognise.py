"""Tells formats by their first bytes and by the names in an archive. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vetgate_runtime import content

if TYPE_CHECKING:
    from vetgate.api import Probe

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ENGINES = (b"ftrt", b"ptrt")
_SAVED_MODEL = b"\x08\x01\x12"
_NCNN = (7767517).to_bytes(4, "little")


def is_hdf5(probe: Probe) -> bool:
    """Return whether it is an HDF5 file, as Keras 2 wrote them."""
    return probe.head.startswith(_HDF5)


def is_saved_model(probe: Probe) -> bool:
    """Return whether it begins as saved_model.pb does: schema version 1, then a meta graph."""
    return probe.head.startswith(_SAVED_MODEL)


def is_engine(probe: Probe) -> bool:
    """Return whether it carries the tag of a TensorRT plan, as trtexec checks it, at once or behind notes.

    Ultralytics writes the length of a JSON object and the object before the plan.
    """
    if probe.head.startswith(_ENGINES):
        return True
    length = int.from_bytes(probe.head[:4], "little")
    if probe.head[4:5] != b"{" or not 0 < length < probe.size:
        return False
    plan = probe.head[4 + length : 8 + length]
    return probe.head[3 + length : 4 + length] == b"}" and plan in _ENGINES


def is_binary_ncnn(probe: Probe) -> bool:
    """Return whether it is ncnn's list of layers in binary."""
    return probe.head.startswith(_NCNN)


def is_pnnx(probe: Probe) -> bool:
    """Return whether it is PNNX's list of operators, which lies beside the ncnn model that it was turned into."""
    return content.is_pnnx(probe.head)
