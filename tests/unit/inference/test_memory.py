"""Memory shared with a child that may do anything to it."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from vetgate.domain.errors import Inconclusive
from vetgate.inference.memory import SharedBuffer


def test_what_one_side_writes_the_other_reads_and_cannot_write() -> None:
    with SharedBuffer() as buffer:
        buffer.resize(100)
        buffer.array(10, 4, "u1")[:] = np.arange(4)
        reader = buffer.read_only()
        try:
            assert os.pread(reader, 4, 10) == bytes(range(4))
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.pwrite(reader, b"x", 0)
        finally:
            os.close(reader)


def test_it_grows_and_never_shrinks() -> None:
    with SharedBuffer() as buffer:
        buffer.resize(100)
        buffer.resize(5000)
        buffer.resize(10)
        assert os.fstat(buffer.fd).st_size == 5000
        assert buffer.array(4990, 10, "u1").size == 10


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="sealing is Linux's")
def test_a_child_cannot_cut_it_short_under_our_feet() -> None:
    with SharedBuffer() as buffer:
        buffer.resize(4096)
        child = os.dup(buffer.fd)
        try:
            with pytest.raises(PermissionError):
                os.ftruncate(child, 0)
        finally:
            os.close(child)


@pytest.mark.skipif(sys.platform != "linux", reason="room is asked for on Linux alone")
def test_no_room_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with SharedBuffer() as buffer, pytest.raises(Inconclusive, match="no room for 1 MB"):
        buffer.resize(1_000_000)


def test_closing_gives_the_descriptor_back() -> None:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no /proc")
    before = len(list(folder.iterdir()))
    for _ in range(5):
        with SharedBuffer() as buffer:
            buffer.resize(10)
    assert len(list(folder.iterdir())) == before
