"""Answers and structures kept on disk, append-only by image. Timings are never kept."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from vetgate.domain.structure import Structure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_SIZE = 5_000_000_000
"""Bytes."""
_LAYOUT = "v1"


def cache_folder() -> Path:
    """Return the folder of the cache in the user's cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("vetgate", appauthor=False))


def key_of(parts: Mapping[str, object]) -> str:
    """Return the key of an entry: the digest of everything that an answer depends on besides the image."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Cache:
    """Entries in one folder each; every file is written whole or not at all and carries its own digest in its name.

    Args:
        folder: Where it lives. A relative one is that of a user without a home, and switches the cache off.
        enabled: False reads and writes nothing (--no-cache).
    """

    def __init__(self, folder: Path, *, enabled: bool = True) -> None:
        self._root = folder
        self._folder = folder / _LAYOUT
        self._enabled = enabled and folder.is_absolute()

    def answers(self, key: str, digests: Sequence[str]) -> tuple[NDArray[np.float32] | None, NDArray[np.bool_]]:
        """Return what is known of these images.

        Args:
            key: From `key_of`.
            digests: (N,) of the images.

        Returns:
            Raw outputs (N, C), or None where nothing is known; and (N,) which rows are known.
        """
        import numpy as np

        known = np.zeros(len(digests), dtype=bool)
        raw: NDArray[np.float32] | None = None
        place: dict[str, list[int]] = {}
        for chunk in self._chunks(key):
            if not place:
                for row, digest in enumerate(digests):
                    place.setdefault(digest, []).append(row)
            stored, outputs = chunk
            if raw is None:
                raw = np.zeros((len(digests), outputs.shape[1]), dtype=np.float32)
            if outputs.shape[1] != raw.shape[1]:
                continue
            pairs = [(row, at) for at, digest in enumerate(stored.tolist()) for row in place.get(digest.decode(), ())]
            if pairs:
                rows, sources = np.asarray(pairs, dtype=np.intp).T
                raw[rows] = outputs[sources]
                known[rows] = True
        return raw, known

    def keep_answers(self, key: str, digests: Sequence[str], raw: NDArray[np.float32]) -> None:
        """Add the answers (M, C) to M images."""
        import numpy as np

        if not len(digests):
            return
        buffer = io.BytesIO()
        np.savez(buffer, digests=np.asarray(digests, dtype="S64"), raw=raw)
        self._write(key, ".npz", buffer.getvalue())

    def structure(self, key: str) -> Structure | None:
        """Return what is known of a file's structure."""
        for content in self._read(key, ".json"):
            try:
                return Structure.model_validate_json(content)
            except ValidationError:
                continue
        return None

    def keep_structure(self, key: str, structure: Structure) -> None:
        """Keep a file's structure."""
        self._write(key, ".json", structure.model_dump_json().encode())

    def size(self) -> int:
        """Return the bytes that all entries take."""
        return sum(size for _, size, _ in self.entries())

    def entries(self) -> list[tuple[Path, int, float]]:
        """Return (folder, bytes, last use in seconds since 1970) of each entry, least recently used first."""
        found = []
        for entry in self._folder.glob("*") if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):  # another run may just have dropped it
                size = sum(file.stat().st_size for file in entry.iterdir())
                found.append((entry, size, entry.stat().st_mtime))
        return sorted(found, key=lambda item: item[2])

    def clear(self) -> None:
        """Remove every entry."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def limit(self) -> int:
        """Most bytes that entries may take; set with `set_limit`."""
        try:
            return int((self._root / "max-size").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return DEFAULT_SIZE

    def set_limit(self, size: int) -> None:
        """Keep at most `size` bytes from now on, and drop what is over.

        Raises:
            OSError: The folder cannot be written.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        (self._root / "max-size").write_text(str(size), encoding="ascii")
        self.prune()

    def prune(self) -> None:
        """Drop the least recently used entries until the limit holds."""
        entries, limit = self.entries(), self.limit
        total = sum(size for _, size, _ in entries)
        for folder, size, _ in entries:
            if total <= limit:
                return
            shutil.rmtree(folder, ignore_errors=True)
            total -= size

    def _chunks(self, key: str) -> list[tuple[NDArray[np.bytes_], NDArray[np.float32]]]:
        import numpy as np

        chunks = []
        for content in self._read(key, ".npz"):
            try:
                with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                    digests, raw = arrays["digests"], arrays["raw"]
            except (OSError, ValueError, KeyError, EOFError):
                continue
            if raw.ndim == 2 and raw.dtype == np.float32 and digests.shape == raw.shape[:1] and np.isfinite(raw).all():
                chunks.append((digests, raw))
        return chunks

    def _read(self, key: str, suffix: str) -> list[bytes]:
        """Return the files of an entry whose content has the digest that their name says; no others."""
        folder = self._folder / key
        if not self._enabled or not folder.is_dir():
            return []
        contents = []
        for file in sorted(folder.glob(f"*{suffix}")):
            try:
                content = file.read_bytes()
            except OSError:
                continue
            if hashlib.sha256(content).hexdigest() == file.stem:
                contents.append(content)
        with contextlib.suppress(OSError):  # the cache may be read-only, or be pruned by another run
            os.utime(folder)
        return contents

    def _write(self, key: str, suffix: str, content: bytes) -> None:
        """Write one file whole or not at all; a full disk costs the entry, never the run."""
        if not self._enabled:
            return
        folder = self._folder / key
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                path = Path(file.name)
                try:
                    file.write(content)
                    file.flush()
                    path.rename(folder / f"{hashlib.sha256(content).hexdigest()}{suffix}")
                except BaseException:
                    path.unlink(missing_ok=True)
                    raise
            self.prune()
        except OSError:
            return
