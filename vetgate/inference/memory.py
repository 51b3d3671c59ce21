"""Memory that parent and child share: an anonymous file, so that a small /dev/shm does not matter."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import sys
import tempfile
from types import TracebackType
from typing import TYPE_CHECKING, Self

from vetgate.domain.errors import Inconclusive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


LARGEST_RING = 2 << 30
"""Bytes of address space that the ring of images may come to; memory is taken as it is used."""

_SOLE_WRITER = 0x0010
"""F_SEAL_FUTURE_WRITE, which `fcntl` does not name: what is mapped for writing now stays so, and nothing else."""
_NO_MORE = 0x0001 | 0x0002 | 0x0004
"""F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW."""


class SharedBuffer:
    """Bytes shared by descriptor; it grows and never shrinks, and a reader may get a descriptor that cannot write.

    Args:
        sole: Whether this process alone may ever write to it. A descriptor that cannot write is not enough for that:
            who has one can open the file again through /proc/self/fd.
    """

    def __init__(self, *, sole: bool = False) -> None:
        self.fd, self._path = _anonymous_file(sealed=not sole)
        self._map: mmap.mmap | None = None
        self._size = 0
        self.sole = sole and self._seal()
        """Whether the kernel holds all others off."""

    def _seal(self) -> bool:
        """Map all that it may ever grow to, and let nobody map it for writing, or write to it, from now on."""
        if not self._path.startswith("/proc/"):
            return False
        try:
            os.ftruncate(self.fd, LARGEST_RING)
            self._map = mmap.mmap(self.fd, LARGEST_RING)
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _SOLE_WRITER | _NO_MORE)
        except (OSError, OverflowError):  # a kernel before 5.1, or a limit on address space
            self._unmap()
            os.close(self.fd)  # its size cannot be taken back
            self.fd, self._path = _anonymous_file(sealed=True)
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read_only(self) -> int:
        """Return a new descriptor that can read and not write; the caller closes it."""
        return os.open(self._path, os.O_RDONLY)

    def resize(self, size: int) -> None:
        """Make room for `size` bytes; views of a smaller room see nothing of the new one.

        Raises:
            Inconclusive: There is no room.
        """
        if size <= self._size:
            return
        try:
            self._make_room(size)
        except (OSError, OverflowError, ValueError) as error:
            raise Inconclusive(f"no room for {size / 1e6:.4g} MB of shared memory: {error}") from None
        self._size = size

    def _make_room(self, size: int) -> None:
        if self.sole:
            if size > LARGEST_RING:
                raise ValueError(f"{LARGEST_RING / 1e6:.4g} MB are the most")
            os.posix_fallocate(self.fd, 0, size)
            return
        self._unmap()
        os.ftruncate(self.fd, size)
        if sys.platform == "linux":
            os.posix_fallocate(self.fd, 0, size)  # running out of room must be an error here, not a SIGBUS later
        self._map = mmap.mmap(self.fd, size)

    def array(self, offset: int, count: int, dtype: str) -> NDArray[np.generic]:
        """Return `count` items from `offset` bytes on, as a view."""
        import numpy as np

        if self._map is None or not self._size:
            raise RuntimeError("the buffer has no room yet")
        return np.frombuffer(self._map, dtype=dtype, count=count, offset=offset)

    def close(self) -> None:
        """Give the memory back."""
        self._unmap()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
            if not self._path.startswith("/proc/"):
                os.unlink(self._path)  # noqa: PTH108  # a string, as the descriptor's path is

    def _unmap(self) -> None:
        if self._map is not None:
            with contextlib.suppress(BufferError):  # a view is still alive; the mapping goes with it
                self._map.close()
            self._map = None
            self._size = 0


def _anonymous_file(*, sealed: bool) -> tuple[int, str]:
    """Return a descriptor and a path by which this process can open it again.

    Args:
        sealed: Whether no more seals may be put on it.

    Raises:
        Inconclusive: There is no room for it.
    """
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("vetgate", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        path = f"/proc/self/fd/{fd}"
        if os.path.exists(path):  # noqa: PTH110  # no /proc in some containers
            # a child that cut its output file short would otherwise end this process by SIGBUS
            with contextlib.suppress(OSError):  # not every kernel seals
                fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | (fcntl.F_SEAL_SEAL if sealed else 0))
            return fd, path
        os.close(fd)
    try:
        return tempfile.mkstemp(prefix="vetgate-")
    except OSError as error:
        raise Inconclusive(f"no file for shared memory can be made: {error}") from None
