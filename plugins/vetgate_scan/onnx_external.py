"""Where an external tensor of an ONNX model says that its bytes are."""

from __future__ import annotations

import re
import stat
from pathlib import Path, PurePosixPath

from vetgate_scan import onnx_rules as rule
from vetgate_scan.found import Found, quoted

_KEYS = frozenset({b"location", b"offset", b"length", b"checksum", b"basepath"})
_PREPACKED = b"prepacked"
"""ONNX Runtime writes these beside them for weights in the order of its own kernels."""
_WHOLE = re.compile(rb"[0-9]{1,18}\Z")
_ADDRESS = "_ORT_MEM_ADDR_"
_LONGEST_NAME = 4096


class ExternalData:
    """The data files of one model.

    Args:
        model: The model file.
        found: Where findings go.
    """

    def __init__(self, model: Path, found: Found) -> None:
        self._model, self._found = model, found
        self._sizes: dict[bytes, int | None] = {}

    def look_at(self, entries: list[tuple[bytes, bytes]], needed: int | None, where: str) -> None:
        """Look at what one tensor names.

        Args:
            entries: Keys and values as they come.
            needed: Bytes that its shape needs; None where that is not known.
            where: The tensor.
        """
        keys = [key for key, _ in entries]
        for key in keys:
            if (key not in _KEYS and not key.startswith(_PREPACKED)) or keys.count(key) > 1:
                self._found.add(rule.KEY, f"its external data carry the key {quoted(key)}", where)
        given = dict(entries)
        location = given.get(b"location", b"")
        if location not in self._sizes:
            self._sizes[location] = self._size(location, where)
        size = self._sizes[location]
        if size is not None:
            self._look_at_range(given, size, needed, where)

    def _look_at_range(self, given: dict[bytes, bytes], size: int, needed: int | None, where: str) -> None:
        offset, length = given.get(b"offset", b"0"), given.get(b"length", b"")
        if not _WHOLE.match(offset) or (length and not _WHOLE.match(length)):
            self._found.add(rule.RANGE, f"offset {quoted(offset)} or length {quoted(length)} is no size", where)
            return
        start = int(offset)
        count = int(length) if length else size - start
        told = f"{count:,} bytes from byte {start:,} of a file of {size:,}"
        if count < 0 or start + count > size:
            self._found.add(rule.RANGE, f"its external data are {told}", where)
        elif needed is not None and (count != needed if length else count < needed):
            self._found.add(rule.RANGE, f"its external data are {told}, but its shape needs {needed:,}", where)

    def _size(self, location: bytes, where: str) -> int | None:
        """Return the bytes in a data file, or None after telling what is wrong with it."""
        name = location.decode(errors="replace")
        if leads_outside(name) or _ADDRESS in name or len(name) > _LONGEST_NAME:
            self._found.add(rule.OUTSIDE, f"its external data are in {quoted(location)}", where)
            return None
        file = self._model.parent / name
        if self._is_link(PurePosixPath(name)):
            self._found.add(rule.LINK, f"its external data are in {quoted(location)}, a link", where)
            return None
        try:
            status = file.lstat()
        except (OSError, ValueError):
            self._found.add(rule.WRONG_FILE, f"its external data are in {quoted(location)}, which is not there", where)
            return None
        if not stat.S_ISREG(status.st_mode):
            self._found.add(rule.LINK, f"its external data are in {quoted(location)}, which is no regular file", where)
            return None
        own = self._model.stat()
        if (status.st_dev, status.st_ino) == (own.st_dev, own.st_ino):
            self._found.add(rule.WRONG_FILE, "its external data are in the model file itself", where)
            return None
        if status.st_nlink > 1:
            self._found.add(rule.LINK, f"its external data are in {quoted(location)}, a hard link", where)
        return status.st_size

    def _is_link(self, name: PurePosixPath) -> bool:
        place = self._model.parent
        for part in name.parts:
            place /= part
            try:
                if place.is_symlink():
                    return True
            except (OSError, ValueError):
                return False
        return False


def leads_outside(name: str) -> bool:
    """Return whether a relative name is absolute somewhere, climbs, or cannot be a file name."""
    parts = re.split(r"[/\\]", name)
    drive = len(name) > 1 and name[1] == ":"
    return not name.strip("./\\") or name[0] in "/\\" or drive or ".." in parts or "\0" in name or "://" in name
