"""The view of the file system that a child is left with, by Landlock (Linux 5.13 and later, for ordinary users too).

Three system calls by ctypes: the bindings looked at (`py-landlock` 0.1.1, `landlock` 1.0.0.dev5) are first or
development releases, and what is needed here is shorter than the care that a dependency takes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""The same on every processor."""
_VERSION: Final = 1
_PATH_BENEATH: Final = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15

READ: Final = READ_FILE | READ_DIR
WRITE: Final = READ | WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_DIR | REMOVE_FILE | REMOVE_DIR | REFER
"""No links and no devices: what a child leaves in a folder is files and folders."""
DEVICE: Final = READ | WRITE_FILE | IOCTL_DEV
_OF_FILES: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_NET: Final = 0b11
"""TCP: bind and connect."""
_SCOPES: Final = 0b11
"""Abstract sockets and signals to processes outside."""


def version() -> int:
    """Return the ABI that the kernel offers, 0 for none."""
    found: int = _libc().syscall(ctypes.c_long(_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))
    return max(0, found)


def restrict(grants: Iterable[tuple[str | Path, int]]) -> int:
    """Leave this thread and all that it starts with what is granted, and with nothing else of the file system.

    Args:
        grants: (path, rights); the rights hold for all that lies beneath. What does not exist is left out.

    Returns:
        The ABI that it was done by.

    Raises:
        OSError: The kernel does not.
    """
    offered = version()
    if offered == 0:
        raise OSError(errno.ENOSYS, "the kernel has no Landlock")
    handled = _handled(offered)
    libc = _libc()
    attributes = struct.pack("=QQQ", handled, _NET if offered >= 4 else 0, _SCOPES if offered >= 6 else 0)
    size = 24 if offered >= 6 else 16 if offered >= 4 else 8
    ruleset = libc.syscall(ctypes.c_long(_CREATE), attributes, ctypes.c_size_t(size), ctypes.c_uint(0))
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "the kernel makes no Landlock ruleset")
    try:
        for path, rights in grants:
            _grant(libc, ruleset, path, rights & handled)
        if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.syscall(ctypes.c_long(_RESTRICT), ctypes.c_int(ruleset), 0) != 0:
            raise OSError(ctypes.get_errno(), "the kernel does not restrict by Landlock")
    finally:
        os.close(ruleset)
    return offered


def _handled(offered: int) -> int:
    rights = (1 << 13) - 1
    rights |= REFER if offered >= 2 else 0
    rights |= TRUNCATE if offered >= 3 else 0
    return rights | (IOCTL_DEV if offered >= 5 else 0)


def _grant(libc: ctypes.CDLL, ruleset: int, path: str | Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        if libc.syscall(ctypes.c_long(_ADD), ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, 0) != 0:
            raise OSError(ctypes.get_errno(), f"the kernel takes no rule for {path}")
    finally:
        os.close(place)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
