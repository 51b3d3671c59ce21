"""A file's bytes, without reading them all into memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vetgate_scan.wire import Data


@contextmanager
def mapped(file: Path) -> Iterator[Data]:
    """Yield the bytes of a file; of an empty one, which cannot be mapped, none."""
    with file.open("rb") as opened:
        if file.stat().st_size == 0:
            yield b""
            return
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data
