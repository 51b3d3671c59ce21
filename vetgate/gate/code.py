"""Pinning the code that a file of weights belongs to, so that an edit of it makes the cache miss."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path


def pin_code(architecture: str | None) -> str | None:
    """Return what changes whenever the code that an architecture names does; None where nothing here tells.

    Args:
        architecture: `FILE.py:CALLABLE` is pinned by that file and all Python beside it and one folder down;
            `LIBRARY/NAME` by the library's version; `MODULE:CALLABLE` by nothing. None names no code.
    """
    if architecture is None:
        return "none"
    place, colon, _ = architecture.rpartition(":")
    if colon:
        return _digest_folder(Path(place)) if Path(place).is_file() else None
    try:
        return metadata.version(architecture.partition("/")[0])
    except metadata.PackageNotFoundError:
        return None


def _digest_folder(file: Path) -> str | None:
    digest = hashlib.sha256(str(file.name).encode())
    try:
        for source in sorted({file, *file.parent.glob("*.py"), *file.parent.glob("*/*.py")}):
            digest.update(hashlib.sha256(source.read_bytes()).digest())
    except OSError:
        return None
    return digest.hexdigest()
