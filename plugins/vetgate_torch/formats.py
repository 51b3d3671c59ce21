"""Tell PyTorch's files apart by content: bytes and member names, nothing parsed that could execute."""

from __future__ import annotations

import re
import struct

from vetgate.api import Probe

_LEGACY_MAGIC = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
"""torch.serialization.MAGIC_NUMBER as pickle writes it: LONG1, ten bytes."""
_LONGEST_HEADER = 100_000_000
"""Bytes; safetensors refuses longer ones."""
_LOCAL_HEADER = b"PK\x03\x04"


def is_weights(probe: Probe) -> bool:
    """Return whether it is a checkpoint of torch.save, as zip or in the older pickle format."""
    if probe.head[:1] == b"\x80" and _LEGACY_MAGIC in probe.head[:64]:
        return True
    names = _members(probe)
    return "data.pkl" in names and not _is_script(names) and not _is_archive(names)


def is_torchscript(probe: Probe) -> bool:
    """Return whether it is a TorchScript program."""
    return _is_script(_members(probe))


def is_exported(probe: Probe) -> bool:
    """Return whether it is an archive of torch.export or of AOTInductor, readable or not."""
    return _is_archive(_members(probe)) or "serialized_exported_program.json" in probe.zip_members


def is_safetensors(probe: Probe) -> bool:
    """Return whether it begins as safetensors does: the length of a JSON object, then the object."""
    if len(probe.head) < 10 or probe.head[8:9] != b"{":
        return False
    (length,) = struct.unpack("<Q", probe.head[:8])
    return 2 <= length < _LONGEST_HEADER and probe.head[9:].lstrip()[:1] in (b'"', b"}")


def _is_script(names: tuple[str, ...]) -> bool:
    # of a truncated file the first members alone may be left: programs begin with tensors, checkpoints with data.pkl
    return any(name.startswith("code/") for name in names) or re.fullmatch(r"data/\d+", "".join(names[:1])) is not None


def _is_archive(names: tuple[str, ...]) -> bool:
    return "archive_format" in names or any(name.startswith(("models/", "data/weights/")) for name in names)


def _members(probe: Probe) -> tuple[str, ...]:
    """Return member names below the archive's own folder; of a truncated zip those that its first bytes show."""
    first = _first_names(probe.head)
    # the end of a truncated archive may be that of a zip inside it
    names = probe.zip_members if first and first[0] in probe.zip_members else first
    return tuple(name.split("/", 1)[1] for name in names if "/" in name)


def _first_names(head: bytes) -> tuple[str, ...]:
    if not head.startswith(_LOCAL_HEADER):
        return ()
    names = []
    at = 0
    while 0 <= at <= len(head) - 30:
        (length,) = struct.unpack("<H", head[at + 26 : at + 28])
        names.append(head[at + 30 : at + 30 + length].decode("utf-8", "replace"))
        at = head.find(_LOCAL_HEADER, at + 30)
    return tuple(names)
