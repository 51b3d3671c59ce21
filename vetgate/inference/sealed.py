"""A folder that children work in, of which only what the parent vouched for is there the next time.

Children hold strange code and never see the key. The parent reads the folder when something was done in it, and writes
down the digest of every file under a code; what somebody else puts there afterwards is removed before it is read.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from vetgate.atomic import replace_whole
from vetgate.domain.record import Record
from vetgate.inference.seal import Seal

_LIST, _LOCK = ".sealed", ".lock"


class _Listing(Record):
    """What lies in a folder."""

    code: str
    files: dict[str, str]
    """Digest by path below the folder."""


class SealedFolder:
    """A folder held by this process alone, in which nothing lies that the seal does not vouch for.

    Args:
        folder: Exists.
        seal: With the user's key.
        name: Of what the folder is for; a list of files moved from another folder does not count.

    Raises:
        OSError: Another process holds it (BlockingIOError), or it cannot be written.
    """

    def __init__(self, folder: Path, seal: Seal, name: str) -> None:
        self.folder, self._seal, self._name = folder, seal, name
        self._seen: dict[str, tuple[tuple[int, int, int], str]] = {}
        self._lock = _locked(folder / _LOCK)
        try:
            self._sweep()
        except BaseException:
            self._lock.close()
            raise

    def keep(self) -> None:
        """Vouch for every file that lies there now; names that begin with a dot are of files being written."""
        with suppress(OSError):  # a full disk costs what was done, never the run
            files = {name: digest for name, path in self._contents() if (digest := self._digest(name, path))}
            listing = _Listing(code=self._code(files), files=files)
            replace_whole(self.folder / _LIST, listing.model_dump_json().encode(), mode=0o600)

    def close(self) -> None:
        """Let another process have it."""
        self._lock.close()

    def _sweep(self) -> None:
        """Remove what nobody vouched for, links and half-written files among it."""
        vouched = self._listed()
        for place, folders, names in os.walk(self.folder):
            for name in (*names, *(inner for inner in folders if Path(place, inner).is_symlink())):
                path = Path(place, name)
                relative = path.relative_to(self.folder).as_posix()
                if relative not in (_LIST, _LOCK) and not self._is(path, relative, vouched.get(relative)):
                    path.unlink()

    def _is(self, path: Path, name: str, digest: str | None) -> bool:
        return digest is not None and stat.S_ISREG(path.lstat().st_mode) and self._digest(name, path) == digest

    def _listed(self) -> dict[str, str]:
        try:
            listing = _Listing.model_validate_json((self.folder / _LIST).read_bytes())
        except (OSError, ValidationError):
            return {}
        return listing.files if self._seal.holds(listing.code, *self._parts(listing.files)) else {}

    def _contents(self) -> Iterator[tuple[str, Path]]:
        for place, _, names in os.walk(self.folder):
            for name in names:
                path = Path(place, name)
                if not name.startswith(".") and stat.S_ISREG(path.lstat().st_mode):
                    yield path.relative_to(self.folder).as_posix(), path

    def _digest(self, name: str, path: Path) -> str | None:
        """Return the digest of a file, read again only where it was written since; None for one that has just gone."""
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                state = (found.st_ino, found.st_size, found.st_mtime_ns)
                if name not in self._seen or self._seen[name][0] != state:
                    self._seen[name] = (state, hashlib.file_digest(file, "sha256").hexdigest())
        except FileNotFoundError:
            return None
        return self._seen[name][1]

    def _code(self, files: dict[str, str]) -> str:
        return self._seal.code(*self._parts(files))

    def _parts(self, files: dict[str, str]) -> Iterator[bytes]:
        yield b"shelf"
        yield self._name.encode()
        for name in sorted(files):
            yield name.encode(errors="surrogateescape")
            yield files[name].encode()


def _locked(path: Path) -> IO[bytes]:
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file
