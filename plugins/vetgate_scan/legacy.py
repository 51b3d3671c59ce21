"""Read checkpoints as PyTorch wrote them before 1.6: five pickles, then the storages' bytes."""

from __future__ import annotations

import struct

from vetgate_scan import opcode
from vetgate_scan import torch_rules as rules
from vetgate_scan.allowed import element_size
from vetgate_scan.follow import follow
from vetgate_scan.log import Log
from vetgate_scan.machine import Followed, Storage
from vetgate_scan.pickle_rules import MALFORMED, TRAILING
from vetgate_scan.stream import read_rest

MAGIC = 0x1950A86A20F9469CFC6C
_MAGIC_BYTES = b"\x8a\x0a" + MAGIC.to_bytes(10, "little")
_PROTOCOL = 1001
_TEXTS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINSTRING", "BINSTRING"})


def is_checkpoint(data: memoryview) -> bool:
    """Return whether PyTorch's magic number stands near the beginning, as a pickle writes it."""
    return _MAGIC_BYTES in bytes(data[:64])


def read_checkpoint(data: memoryview, log: Log, where: str) -> None:
    """Follow the five pickles and measure the storages behind them."""
    parts: list[Followed] = []
    for index in range(5):
        start = parts[-1].end if parts else 0
        trial = log.trial()
        part = follow(data, start, trial, f"{where}, pickle {index + 1} of 5", storages=index == 3)
        log.spent(trial)
        if part.is_cut_off and {finding.rule for finding in trial.findings} == {MALFORMED.id}:
            log.cut_off(MALFORMED, trial.findings[0].message, trial.findings[0].location)
            return
        log.adopt(trial)
        if not part.stopped:
            return
        parts.append(part)
    magic, protocol, about, content, keys = parts
    is_plain = not any(part.imports or part.calls for part in (magic, protocol, about, keys))
    if magic.result != MAGIC or protocol.result != _PROTOCOL or not is_plain:
        log.found(
            rules.LEGACY_LAYOUT, "the pickles before and after the content are not those that PyTorch writes", where
        )
    end = _read_storages(data, keys.end, content.storages, _texts(data, content.end, keys.end), log, where)
    if end is not None and any(data[end:]):
        log.found(TRAILING, f"{len(data) - end} bytes follow the last storage", where)
        read_rest(data, end, log, where)


def _texts(data: memoryview, place: int, end: int) -> list[str]:
    """Return the texts of the pickled list of storage keys, in order."""
    found = []
    while place < end:
        instruction = opcode.read(data, place)
        place = instruction.end
        if instruction.name in _TEXTS and isinstance(instruction.argument, bytes):
            found.append(instruction.argument.decode("utf-8", "replace"))
    return found


def _read_storages(
    data: memoryview, place: int, storages: list[Storage], keys: list[str], log: Log, where: str
) -> int | None:
    """Return where the last storage ends, or None where they cannot be followed."""
    known = {storage.key: storage for storage in storages}
    if set(keys) != set(known) or len(keys) != len(known):
        log.found(rules.LEGACY_LAYOUT, "the list of storages is not that of the tensors", where)
        return None
    for key in keys:
        storage = known[key]
        if place + 8 > len(data):
            log.cut_off(rules.STORAGE_SIZE, f"the storage {key} is cut off", where)
            return None
        (elements,) = struct.unpack_from("<q", data, place)
        if elements != storage.elements:
            log.found(rules.STORAGE_SIZE, f"the storage {key} states {elements} elements, its tensor another", where)
            return None
        place += 8 + elements * (element_size(storage.kind) or 1)
    if place > len(data):
        log.cut_off(rules.STORAGE_SIZE, "the last storage is cut off", where)
        return None
    return place
