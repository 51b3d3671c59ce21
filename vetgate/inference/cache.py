"""Answers, features, structures and trained parts kept on disk, append-only by image. Timings are never kept.

Nothing is read that the user's own key does not vouch for, and nothing from a folder that others may write.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from vetgate.atomic import commit, partial, sweep
from vetgate.domain.record import Record
from vetgate.domain.structure import Structure
from vetgate.inference.seal import NotOwn, Seal, require_own, user_seal
from vetgate.inference.sealed import SealedFolder

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
    """Entries in one folder each; every file is written whole or not at all.

    The name of a file is the code that the user's key gives its content and the key of its entry. A file that was
    damaged, planted or moved from another entry has not that name, and is as if it were not there.

    Args:
        folder: Where it lives. A relative one is that of a user without a home, and switches the cache off.
        enabled: False reads and writes nothing (--no-cache).
        seal: What vouches for entries; None takes the user's.
    """

    def __init__(self, folder: Path, *, enabled: bool = True, seal: Seal | None = None) -> None:
        self._root = folder
        self._folder = folder / _LAYOUT
        self._enabled = enabled and folder.is_absolute()
        self._given = seal
        self._shelves: dict[str, SealedFolder] = {}

    @property
    def trouble(self) -> str:
        """Why it is off although it was asked for; empty where it is not, or where there is just no room for it."""
        return self._opened[1]

    @cached_property
    def _opened(self) -> tuple[Seal | None, str]:
        """What vouches for entries, None where nothing is read or written; and why, where that is somebody's doing."""
        if not self._enabled:
            return None, ""
        try:
            for folder in (self._root, self._folder):
                require_own(folder)
            return self._given or user_seal(), ""
        except NotOwn as why:
            return None, f"answers were neither taken from the cache nor kept: {why}"
        except OSError:
            return None, ""

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

        It counts for the limit, and goes as a whole when it is the least recently used entry. What `keep_shelf` did not
        vouch for has gone from it. Another run that has it stays alone with it.
        """
        seal, _ = self._opened
        if seal is None:
            return None
        if key in self._shelves:
            return self._shelves[key].folder
        try:
            folder = self._entry(key)
            os.utime(folder)
            with tempfile.TemporaryFile(dir=folder):
                self._shelves[key] = SealedFolder(folder, seal, key)
        except OSError:
            return None
        return folder

    def keep_shelf(self, key: str) -> None:
        """Vouch for what lies on a shelf now."""
        if key in self._shelves:
            self._shelves[key].keep()

    def leave_shelf(self, key: str) -> None:
        """Vouch for what lies on a shelf now, and let another run have it."""
        if key in self._shelves:
            shelf = self._shelves.pop(key)
            shelf.keep()
            shelf.close()

    def drop(self, key: str) -> None:
        """Forget an entry that turned out to be worth nothing."""
        if self._opened[0] is not None:
            shutil.rmtree(self._folder / key, ignore_errors=True)

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
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError):
                continue
            if raw.ndim == 2 and raw.dtype == np.float32 and digests.shape == raw.shape[:1] and np.isfinite(raw).all():
                yield digests, raw

    def _read(self, key: str, suffix: str) -> Iterator[bytes]:
        """Yield the files of an entry that the seal vouches for; no others."""
        folder = self._folder / key
        seal, _ = self._opened
        if seal is None or not folder.is_dir():
            return
        with contextlib.suppress(OSError):  # the cache may be read-only, or be pruned by another run
            os.utime(folder)
        for file in sorted(folder.glob(f"*{suffix}")):
            content = None
            with contextlib.suppress(OSError):
                content = _authentic(file, seal, key, suffix)
            if content is not None:
                yield content

    def _write(self, key: str, suffix: str, content: bytes) -> None:
        """Write one file whole or not at all; a full disk costs the entry, never the run."""
        seal, _ = self._opened
        if seal is None:
            return
        code = seal.code(key.encode(), suffix.encode(), hashlib.sha256(content).digest())
        try:
            folder = self._entry(key)
            sweep(folder)
            with partial(folder) as file:
                file.write(content)
                commit(file, folder / f"{code}{suffix}", mode=0o600)
            self.prune()
        except OSError:
            return

    def _entry(self, key: str) -> Path:
        """Return the folder of an entry, made where it is not there; all above it are the user's alone.

        Raises:
            OSError: It cannot be made.
        """
        for folder in (self._root, self._folder, self._folder / key):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._folder / key


def _authentic(path: Path, seal: Seal, key: str, suffix: str) -> bytes | None:
    """Return the content of a file whose name is its code; it is in memory only once that is known.

    Raises:
        OSError: It cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        digest = hashlib.file_digest(file, "sha256").digest()
        if not seal.holds(path.name.removesuffix(suffix), key.encode(), suffix.encode(), digest):
            return None
        file.seek(0)
        return file.read()
