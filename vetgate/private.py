"""Private folders of one run: held by a lock while it lives, emptied when it ends, and cleared away after its death."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import tempfile
import time
from pathlib import Path

from vetgate.domain.errors import UsageError

PREFIX = "vetgate-run-"
_OLD = 600.0
"""Seconds after which a folder that nobody holds is that of a dead run; one that is being made is younger."""


class PrivateFolder:
    """A folder of this user alone (mode 0700) under TMPDIR, which other runs can tell from the leavings of dead ones.

    Raises:
        OSError: It cannot be made.
        UsageError: TMPDIR names a place where nothing can be.
    """

    def __init__(self) -> None:
        _require_place()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX)).absolute()
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # a file system without locks: nothing is cleared there but by its owner
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Remove it with all that is in it."""
        if self._lock >= 0:
            remove(self.path)
            os.close(self._lock)
            self._lock = -1


def _require_place() -> None:
    """Refuse a TMPDIR that is none: `tempfile` would go elsewhere without a word, where there may be no room."""
    named = os.environ.get("TMPDIR")
    if named and not (Path(named).is_dir() and os.access(named, os.W_OK | os.X_OK)):
        raise UsageError(
            f"TMPDIR names {named}, which is no folder that can be written", hint="make it, or set TMPDIR to another"
        )


def remove(folder: Path) -> None:
    """Remove a folder that nobody writes to any more, whatever a hostile process has put there.

    Folders within folders are brought to the top before they are emptied: `shutil.rmtree` of Python 3.11 gives up on a
    thousand levels, and any path on a file that lies deeper than a path can be long.
    """
    own = secrets.token_hex(8)
    left, count = [folder], 0
    while left:
        place = left.pop()
        with contextlib.suppress(OSError):
            place.chmod(0o700)
            for entry in list(os.scandir(place)):
                if not entry.is_dir(follow_symlinks=False):
                    Path(entry.path).unlink(missing_ok=True)
                    continue
                count += 1
                left.append(_hoisted(Path(entry.path), folder / f"{own}-{count}"))
            if place != folder:
                place.rmdir()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _hoisted(inner: Path, target: Path) -> Path:
    inner.chmod(0o700)  # a folder without rights cannot be moved
    return inner.rename(target)


def clear_remains() -> None:
    """Remove private folders of this user whose run was ended before it could."""
    place = Path(tempfile.gettempdir())
    with contextlib.suppress(OSError):
        for folder in list(place.glob(f"{PREFIX}*")):
            _clear(folder)


def _clear(folder: Path) -> None:
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        status = os.fstat(held)
        if status.st_uid != os.geteuid() or time.time() - status.st_mtime < _OLD:
            return
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(folder)
    except OSError:
        return
    finally:
        os.close(held)
