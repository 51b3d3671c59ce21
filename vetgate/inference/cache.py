"""Answers, features, structures and trained parts kept on disk, append-only by image. Timings are never kept."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from vetgate.domain.record import Record
from vetgate.domain.structure import Structure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_SIZE = 5_000_000_000
"""Bytes."""
_LAYOUT = "v1"

RecordT = TypeVar("RecordT", bound=Record)


def cache_folder() -> Path:
    """Return the folder of the cache in the user's cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("vetgate", appauthor=False))


def key_of(parts: Mapping[str, object]) -> str:
    """Return the key of an entry: the digest of everything that an answer depends on besides the image."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class _Places:
    """Where the images of a list stand in it, by digest; one may stand there twice."""

    def __init__(self, digests: Sequence[str]) -> None:
        self._rows: dict[str, list[int]] = {}
        for row, digest in enumerate(digests):
            self._rows.setdefault(digest, []).append(row)

    def copy(
        self,
        stored: NDArray[np.bytes_],
        values: NDArray[np.float32],
        target: NDArray[np.float32],
        known: NDArray[np.bool_],
    ) -> None:
        """Copy what was stored to the rows of its images, where it has their width."""
        import numpy as np

        if values.shape[1] != target.shape[1]:
            return
        rows = self._rows
        pairs = [(row, at) for at, digest in enumerate(stored.tolist()) for row in rows.get(digest.decode(), ())]
        if pairs:
            places, sources = np.asarray(pairs, dtype=np.intp).T
            target[places] = values[sources]
            known[places] = True


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
        places = _Places(digests)
        for stored, outputs in self._chunks(key):
            if raw is None:
                raw = np.zeros((len(digests), outputs.shape[1]), dtype=np.float32)
            places.copy(stored, outputs, raw, known)
        return raw, known

    def fill(self, key: str, digests: Sequence[str], target: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Write what is known of these images into an array; a file at a time is held in memory.

        Args:
            key: From `key_of`.
            digests: (N,) of the images.
            target: (N, D); rows that nothing is known of stay as they are.

        Returns:
            (N,) which rows are known.
        """
        import numpy as np

        known = np.zeros(len(digests), dtype=bool)
        places = _Places(digests)
        for stored, outputs in self._chunks(key):
            places.copy(stored, outputs, target, known)
        return known

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
        return self.record(key, Structure)

    def keep_structure(self, key: str, structure: Structure) -> None:
        """Keep a file's structure."""
        self.keep_record(key, structure)

    def record(self, key: str, kind: type[RecordT]) -> RecordT | None:
        """Return a record that was kept under a key of its own."""
        for content in self._read(key, ".json"):
            try:
                return kind.model_validate_json(content)
            except ValidationError:
                continue
        return None

    def keep_record(self, key: str, record: Record) -> None:
        """Keep a record."""
        self._write(key, ".json", record.model_dump_json().encode())

    def shelf(self, key: str) -> Path | None:
        """Return a folder for work that is found again by whoever knows what made it; None where nothing is kept.

        It counts for the limit, and goes as a whole when it is the least recently used entry.
        """
        if not self._enabled:
            return None
        folder = self._folder / key
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.utime(folder)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            return None

    def size(self) -> int:
        """Return the bytes that all entries take."""
        return sum(size for _, size, _ in self.entries())

    def entries(self) -> list[tuple[Path, int, float]]:
        """Return (folder, bytes, last use in seconds since 1970) of each entry, least recently used first."""
        found = []
        for entry in self._folder.glob("*") if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):  # another run may just have dropped it
                if entry.is_dir():
                    size = sum(file.stat().st_size for file in entry.rglob("*") if file.is_file())
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

    def _chunks(self, key: str) -> Iterator[tuple[NDArray[np.bytes_], NDArray[np.float32]]]:
        import numpy as np

        for content in self._read(key, ".npz"):
            try:
                with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                    digests, raw = arrays["digests"], arrays["raw"]
            except (OSError, ValueError, KeyError, EOFError):
                continue
            if raw.ndim == 2 and raw.dtype == np.float32 and digests.shape == raw.shape[:1] and np.isfinite(raw).all():
                yield digests, raw

    def _read(self, key: str, suffix: str) -> Iterator[bytes]:
        """Yield the files of an entry whose content has the digest that their name says; no others."""
        folder = self._folder / key
        if not self._enabled or not folder.is_dir():
            return
        with contextlib.suppress(OSError):  # the cache may be read-only, or be pruned by another run
            os.utime(folder)
        for file in sorted(folder.glob(f"*{suffix}")):
            try:
                content = file.read_bytes()
            except OSError:
                continue
            if hashlib.sha256(content).hexdigest() == file.stem:
                yield content

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
