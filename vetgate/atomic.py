"""Files that are there whole or as they were before, also when the process is killed while it writes."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX = ".vetgate-"
"""How the names of files begin that are being written."""
_NAMES = PREFIX + "[a-z0-9_]" * 8
"""How `tempfile` goes on; what a user called alike is not ours to remove."""
_TRIES = 100
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


def replace_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or leave it as it was.

    Args:
        path: Where; what stands there is replaced.
        data: What it shall hold.
        mode: Its permissions.

    Raises:
        OSError: It cannot be written.
    """
    with partial(path.parent) as file:
        file.write(data)
        commit(file, path, mode=mode)


@contextmanager
def partial(folder: Path) -> Iterator[IO[bytes]]:
    """Lend a file that is gone afterwards, unless it was given its name by `commit`.

    It is held as long as it is written, so that nobody sweeps it, and the system lets go of it when a process ends.

    Raises:
        OSError: It cannot be made.
    """
    file = _held(folder)
    try:
        yield file
    finally:
        with suppress(OSError):  # a full disk refuses what was not flushed yet
            file.close()
        Path(file.name).unlink(missing_ok=True)


def commit(file: IO[bytes], path: Path, *, mode: int = 0o644) -> None:
    """Give a file that `partial` lent its name, once all of it is on the disk.

    Raises:
        OSError: There is no room, or the name cannot be had.
    """
    file.flush()
    os.fsync(file.fileno())
    os.fchmod(file.fileno(), mode)
    Path(file.name).replace(path)


def sweep(folder: Path) -> None:
    """Remove what processes that were killed had half written; what a living one writes is held, and stays."""
    with suppress(OSError):
        for part in sorted(folder.glob(_NAMES)):
            with suppress(OSError):
                _remove_if_let_go(part)


def _held(folder: Path) -> IO[bytes]:
    for _ in range(_TRIES):
        file = tempfile.NamedTemporaryFile(dir=folder, prefix=PREFIX, delete=False)  # noqa: SIM115  # closed by partial
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                file.close()
                raise
        if os.fstat(file.fileno()).st_nlink:  # else somebody swept it before it was held
            return file
        file.close()
    raise OSError(errno.EBUSY, "new files go as soon as they are made", str(folder))


def _remove_if_let_go(part: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
    finally:
        os.close(descriptor)
