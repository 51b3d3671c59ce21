"""Read the zip archives that PyTorch writes: checkpoints, TorchScript, exported programs, packages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vetgate.api import RuleSpec
from vetgate_scan import exported, script, unpacking
from vetgate_scan import torch_rules as rules
from vetgate_scan.allowed import element_size, script_standing
from vetgate_scan.archive_rules import CHECKSUM
from vetgate_scan.log import Log, shown
from vetgate_scan.machine import Storage
from vetgate_scan.stream import read_pickle
from vetgate_scan.zip_directory import Entry

ReadContent = Callable[[memoryview, Log, str], None]

_KEPT = frozenset({"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"})
_SCRIPT_RAW = re.compile(r"(data|constants|tensors|traced_inputs|attributes)/\d+")
_SCRIPT_KNOWN = re.compile(r"code/.+\.py(\.debug_pkl)?|\w+\.pkl|extra/.+|mobile_debug_handles\.pkl|\.data/version")
_OUTSIDE_ARCHIVE = "serialized_exported_program.json"


@dataclass
class Archive:
    """One archive while it is read."""

    data: memoryview
    entries: dict[str, Entry]
    """By the name below the archive's own folder."""
    log: Log
    where: str
    read_content: ReadContent

    def inside(self, name: str) -> str:
        """Return where a member is."""
        return f"{self.where} > {shown(self.entries[name].name)}"

    def content(self, name: str, *, checked: bool = True) -> memoryview | None:
        """Return a member's content, None where it cannot be read."""
        entry, inside = self.entries[name], self.inside(name)
        found = unpacking.member(self.data, entry, self.log, inside) if entry.start else None
        if found is not None and checked and not unpacking.is_intact(found, entry):
            self.log.found(CHECKSUM, "the member's checksum does not fit its content", inside)
        return found

    def measure(self, name: str) -> None:
        """Unpack a member of raw tensor bytes where it is packed, which PyTorch never does; its bytes are not read."""
        if self.entries[name].method != unpacking.STORED:
            self.content(name, checked=False)

    def look(self, name: str) -> None:
        """Read a member of whatever kind."""
        found = self.content(name)
        if found is not None:
            self.read_content(found, self.log, self.inside(name))

    def unexpected(self, name: str) -> None:
        """Note a member that PyTorch does not write, and read it."""
        self.log.found(rules.UNEXPECTED_MEMBER, "PyTorch writes no such member", self.inside(name))
        self.look(name)


def is_torch(entries: tuple[Entry, ...]) -> bool:
    """Return whether the members are those of an archive of PyTorch, whole or in part."""
    names = {entry.name for entry in entries}
    below = {name.partition("/")[2] for name in names}
    return (
        not below.isdisjoint({"data.pkl", "constants.pkl", "archive_format", ".data/extern_modules", "extern_modules"})
        or _OUTSIDE_ARCHIVE in names
        or any(name.startswith(("code/", "models/", "data/weights/", "data/aotinductor/")) for name in below)
    )


def read_archive(data: memoryview, entries: tuple[Entry, ...], log: Log, where: str, read_content: ReadContent) -> None:
    """Read every member as PyTorch would, and those that it does not know as whatever they are."""
    roots = {entry.name.partition("/")[0] for entry in entries if "/" in entry.name}
    is_older = any(entry.name == _OUTSIDE_ARCHIVE for entry in entries)
    if not is_older and (len(roots) != 1 or any("/" not in entry.name for entry in entries)):
        log.found(rules.TWO_ROOTS, f"the archive has members in {len(roots)} folders, or in none", where)
        for entry in entries:
            # whatever each of them is, and whoever reads it
            one = Archive(data, {entry.name: entry}, log, where, read_content)
            one.look(entry.name)
    named = {
        entry.name if is_older else entry.name.partition("/")[2]: entry for entry in entries if not entry.is_folder
    }
    _reader(named)(Archive(data, named, log, where, read_content))


def _reader(named: dict[str, Entry]) -> Callable[[Archive], None]:
    if any(name.endswith("extern_modules") for name in named):
        return _read_package
    if any(name.startswith(("models/", "data/weights/", "data/aotinductor/")) for name in named):
        return _read_exported
    if "archive_format" in named or _OUTSIDE_ARCHIVE in named:
        return _read_exported
    is_script = "constants.pkl" in named or any(name.startswith("code/") for name in named)
    return _read_script if is_script else _read_checkpoint


def _read_checkpoint(archive: Archive) -> None:
    storages: list[Storage] = []
    if "data.pkl" in archive.entries and (content := archive.content("data.pkl")) is not None:
        storages = read_pickle(content, archive.log, archive.inside("data.pkl"), storages=True).storages
    sizes: dict[str, set[int]] = {}
    for storage in storages:
        sizes.setdefault(f"data/{storage.key}", set()).add(storage.elements * (element_size(storage.kind) or 1))
    for name in archive.entries:
        if name in sizes:
            _check_size(archive, name, sizes[name])
        elif name in _KEPT or re.fullmatch(r"data/\d+", name):
            archive.look(name)
        elif name != "data.pkl":
            archive.unexpected(name)
    for name in sizes.keys() - archive.entries.keys():
        archive.log.found(rules.STORAGE_SIZE, f"the storage {shown(name)} is missing", archive.where)


def _check_size(archive: Archive, name: str, sizes: set[int]) -> None:
    size = archive.entries[name].size
    for stated in sorted(sizes - {size})[:3]:
        told = f"the storage has {size} bytes, where its tensor states {stated}"
        archive.log.found(rules.STORAGE_SIZE, told, archive.inside(name))
    archive.measure(name)


def _read_script(archive: Archive) -> None:
    for name in archive.entries:
        if name.endswith((".pkl", ".debug_pkl")) and not name.startswith("extra/"):
            content = archive.content(name)
            if content is not None:
                read_pickle(content, archive.log, archive.inside(name), script_standing, storages=True)
        elif name.startswith("code/") and name.endswith(".py"):
            _read_code(archive, name)
        elif name == "model.json":
            archive.log.found(rules.SCRIPT_ODD, "the code is kept as PyTorch before 1.4 did", archive.inside(name))
        elif _SCRIPT_RAW.fullmatch(name):
            archive.measure(name)
        elif name in _KEPT or _SCRIPT_KNOWN.fullmatch(name):
            archive.look(name)
        else:
            archive.unexpected(name)


def _read_code(archive: Archive, name: str) -> None:
    content = archive.content(name)
    if content is None:
        return
    for rule, message in script.offences(bytes(content).decode("utf-8", "replace")):
        archive.log.found(rule, message, archive.inside(name))


def _read_package(archive: Archive) -> None:
    archive.log.found(rules.PACKAGE, "the file carries Python code for import", archive.where)
    for name in archive.entries:
        archive.look(name)


def _read_exported(archive: Archive) -> None:
    texts = {
        name: bytes(content)
        for name in archive.entries
        if exported.is_read_whole(name) and (content := archive.content(name)) is not None
    }
    pickled = exported.pickled(texts)
    exported.check(texts, tuple(archive.entries), partial(_note, archive))
    for name in archive.entries:
        if name in texts:
            continue
        if exported.RAW.fullmatch(name) and name not in pickled:
            archive.measure(name)
        elif name in pickled or exported.PICKLED.fullmatch(name):
            _read_pickled(archive, name)
        elif name in _KEPT or exported.KNOWN.fullmatch(name):
            archive.look(name)
        else:
            archive.unexpected(name)


def _note(archive: Archive, rule: RuleSpec, message: str, name: str) -> None:
    archive.log.found(rule, message, archive.inside(name) if name in archive.entries else archive.where)


def _read_pickled(archive: Archive, name: str) -> None:
    """Read a member that torch.export.load unpickles: a checkpoint, or a pickle of any protocol."""
    content = archive.content(name)
    if content is None or not len(content):
        return
    if bytes(content[:4]) == b"PK\x03\x04" or content[0] == 0x80:
        archive.read_content(content, archive.log, archive.inside(name))
    else:
        read_pickle(content, archive.log, archive.inside(name))
