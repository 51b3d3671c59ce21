"""Reads Keras' archives, HDF5 files and TensorFlow graphs for code that they name and files that they reach for."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from vetgate.api import Finding, Probe, ScanContext
from vetgate_scan import keras_rules as rule
from vetgate_scan.executable import is_program_name
from vetgate_scan.found import Found, quoted
from vetgate_scan.hdf5 import (
    MARK,
    configs,
    external_links,
    external_storage,
    is_plain,
    packed_links,
    virtual_data,
)
from vetgate_scan.keras_config import look_at_config, look_for_strangers
from vetgate_scan.mapped import mapped
from vetgate_scan.onnx_external import leads_outside
from vetgate_scan.tensorflow_graph import is_saved_model, look_at_saved_model
from vetgate_scan.wire import Data
from vetgate_scan.zip_end import ZIP_DAMAGE

_OWN = frozenset({"config.json", "metadata.json", "model.weights.h5", "assets/"})
_CONFIG = "config.json"
_LONGEST_CONFIG = 64 << 20
_MOST_WEIGHTS = 1 << 30
_CONFIG_RATIO, _WEIGHTS_RATIO = 200, 1000
"""Bytes unpacked for each byte in the archive."""
_USER_BLOCKS = (0, 512, 1024, 2048, 4096)
_HDF5_SUFFIXES = (".h5", ".hdf5", ".keras")


def recognise(probe: Probe) -> bool:
    """Return whether it is an archive of Keras, an HDF5 file or a SavedModel."""
    if probe.zip_members:
        return _CONFIG in probe.zip_members and any(name.endswith(_HDF5_SUFFIXES) for name in probe.zip_members)
    return any(probe.head.startswith(MARK, start) for start in _USER_BLOCKS) or is_saved_model(probe.head)


class KerasScanner:
    """Reads the files that are Keras', HDF5 or SavedModel."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found."""
        return tuple(finding for file in context.files for finding in scan_file(file))


def scan_file(file: Path) -> tuple[Finding, ...]:
    """Return what was found in one file; nothing in one that is none of these."""
    found = Found(file.name)
    with mapped(file) as data:
        if data[:2] == b"PK":
            _look_at_archive(file, found)
        elif any(data[start : start + 8] == MARK for start in _USER_BLOCKS):
            look_at_hdf5(data, "", found)
        elif is_saved_model(data[:64]):
            look_at_saved_model(data, found)
    return found.all()


def look_at_hdf5(data: Data, where: str, found: Found) -> None:
    """Look at the bytes of an HDF5 file."""
    if not is_plain(data):
        found.add(rule.DAMAGED, "its addresses are not written as Keras writes them, so nobody can follow them", where)
    for position in packed_links(data):
        found.add(
            rule.LINK, "links are compressed, so nobody can read where they lead", f"{where} byte {position:,}".strip()
        )
    for position, name in external_links(data):
        found.add(rule.LINK, f"a link leads to {quoted(name)}", f"{where} byte {position:,}".strip())
    for position, name in external_storage(data):
        found.add(rule.LINK, f"a data set keeps its bytes in {quoted(name)}", f"{where} byte {position:,}".strip())
    for position in virtual_data(data):
        found.add(rule.LINK, "a data set is put together from others", f"{where} byte {position:,}".strip())
    for position, text in configs(data):
        look_at_config(text, f"{where} byte {position:,}".strip(), found)


def _look_at_archive(file: Path, found: Found) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = [member.filename for member in archive.infolist()]
            if len(names) != len(set(names)) or _CONFIG not in names:
                found.add(rule.MEMBER, f"it lacks {_CONFIG}, or has a file twice")
            for member in archive.infolist():
                _look_at_member(archive, member, found)
    except ZIP_DAMAGE as error:
        found.add(rule.DAMAGED, f"it cannot be unpacked: {error}")


def _look_at_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, found: Found) -> None:
    name = member.filename
    inside = name in _OWN or name.startswith("assets/")
    if leads_outside(name) or is_program_name(name) or not inside:
        found.add(rule.MEMBER, f"it holds {quoted(name)}")
    if name == _CONFIG:
        config = _read(archive, member, _LONGEST_CONFIG, _CONFIG_RATIO)
        look_at_config(config, name, found)
        look_for_strangers(config, name, found)
    elif PurePosixPath(name).suffix in (".h5", ".hdf5"):
        look_at_hdf5(_read(archive, member, _MOST_WEIGHTS, _WEIGHTS_RATIO), name, found)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, ratio: int) -> bytes:
    """Return a member's bytes.

    Raises:
        ValueError: It unpacks to more than `most`, or to more than `ratio` times what it takes in the archive.
    """
    limit = min(most, max(1 << 20, ratio * member.compress_size))
    with archive.open(member) as opened:
        data = opened.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{member.filename[:100]!r} unpacks to more than {limit:,} bytes")
    return data
