"""What every child process is given and held to, and how its end is told; the parent's side and the child's."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

from vetgate.domain.errors import (
    CardError,
    DataError,
    Inconclusive,
    MissingExtra,
    UnreadableArtifact,
    UsageError,
    VetgateError,
    WorkerFailed,
)

PASSED_ON = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
"""Variables that a child inherits; the rest may hold secrets and stay outside. Its home is a folder of its own."""

ERRORS: Mapping[str, type[VetgateError]] = {
    error.__name__: error
    for error in (CardError, DataError, Inconclusive, MissingExtra, UnreadableArtifact, UsageError, WorkerFailed)
}
"""What a child may answer with, by name."""

_GLIBC = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 31),
    "MALLOC_TOP_PAD_": str(1 << 26),
}
"""Keeps freed activations instead of handing them back to the kernel after every operator: PyTorch on
EfficientNet-Lite0 at batch 64 took 3.7 s instead of 13.1 s for the same 128 images, the rest being page faults."""

_PR_SET_PDEATHSIG = 1


def environment(threads: int, *, cold: bool = False, also: Sequence[str] = ()) -> dict[str, str]:
    """Return the variables of a child: a few of ours, and how many threads its libraries may start.

    A cold one manages its memory as the system does by itself: room kept for speed would count as the model's. What
    `also` names is passed on as well.
    """
    own = {name: os.environ[name] for name in (*PASSED_ON, *also) if name in os.environ}
    count = str(threads)
    return (
        own
        | ({} if cold else _GLIBC)
        | {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
    )


def leave(code: int) -> NoReturn:
    """End this process now: all that it had to say was said, and taking libraries down one by one is of no use."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def limit_waits(connection: socket.socket, seconds: float) -> None:
    """Make a read or write give up on a child that stops in the middle of a message, or never reads one."""
    longest = struct.pack("ll", int(seconds) + 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, longest)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, longest)


def printable(text: str) -> str:
    """Return what a child wrote without control characters: a model must not paint on the terminal of its gate."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def on_one_line(text: str) -> str:
    """Return a name or a sentence of a stranger so that it cannot end its line and write one of its own."""
    return printable(text).replace("\n", "\N{REPLACEMENT CHARACTER}")


def bind_to_parent() -> None:
    """Let this child end with its parent, and let the parent alone answer to Ctrl-C, which reaches the whole group."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
