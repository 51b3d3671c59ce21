"""What lies below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vetgate.api import DataError


def entries(root: Path) -> Iterator[tuple[str, bool]]:
    """Yield (relative path with `/`, whether it is a folder) of what is not hidden, in no order.

    Links are followed, except one to a folder above itself, which would never end.

    Raises:
        DataError: There is such a link, told after all else was yielded; or a folder may not be read.
    """
    top = os.path.realpath(root)
    above = {top: frozenset({top})}
    pending = [(str(root), "")]
    endless = None
    while pending:
        folder, prefix = pending.pop()
        line = above[os.path.realpath(folder)]
        for entry in _scan(folder):
            is_folder = entry.is_dir()
            if is_folder:
                real = os.path.realpath(entry.path)
                if real in line:
                    endless = entry.path
                    continue
                above[real] = line | {real}
                pending.append((entry.path, f"{prefix}{entry.name}/"))
            yield prefix + entry.name, is_folder
    if endless is not None:
        raise DataError(f"the folder {endless} is a link to a folder above it", hint="remove the link")


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror}") from None
