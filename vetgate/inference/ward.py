"""One child process as its parent holds it: a folder of its own, its words read, an eye on what it takes, its end told.

What the walls inside cannot bound is watched from here: memory that it shares with nobody's account, the folder that
it may write to, and what it writes to stdout and stderr, of which the end is kept and nothing reaches the disk.
"""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from vetgate.domain.errors import WorkerFailed
from vetgate.inference.process import printable
from vetgate.private import PrivateFolder

MOST_KEPT = 1 << 30
"""Bytes of files in a child's own folder."""
MOST_FILES = 10_000
MOST_THREADS = 1024
ROOM_LEFT = 256 << 20
"""Bytes that are to stay free on the disk of its folder; less where less was free before."""
_LAST = 4096
"""Bytes of what it wrote that are kept."""
_TICK = 0.25
"""Seconds between two looks at a child."""


class Ward:
    """A child process.

    Args:
        module: What it runs.
        descriptors: That it inherits; given to it as arguments.
        variables: Its environment, but for where its home is.

    Raises:
        OSError: It cannot be started, or gets no folder.
    """

    def __init__(self, module: str, descriptors: Sequence[int], variables: Mapping[str, str]) -> None:
        self.excess = ""
        """What it took too much of, so that it was ended."""
        self.memory: int | None = None
        """Bytes that it may take, of memory that it shares too; None for no limit."""
        self._last = b""
        self._over = False
        with ExitStack() as undo:
            folder = PrivateFolder()
            undo.callback(folder.close)
            self._folder = folder
            self._floor = min(ROOM_LEFT, _room(folder.path) // 2)
            self._words, theirs = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
            undo.callback(os.close, self._words)
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-m", module, *map(str, descriptors)],
                    stdin=subprocess.DEVNULL,
                    stdout=theirs,
                    stderr=theirs,
                    pass_fds=descriptors,
                    env={**variables, **at_home(folder.path)},
                )
            finally:
                os.close(theirs)
            undo.callback(self.kill)
            self._end = _end_of(self.process.pid)
            undo.callback(self._forget_end)
            os.set_blocking(self._words, False)
            self._watch = threading.Thread(target=self._look_after, name=f"watch-{self.process.pid}", daemon=True)
            self._watch.start()
            undo.pop_all()

    @property
    def folder(self) -> Path:
        """Its home."""
        return self._folder.path

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def wait(self, seconds: float) -> int | None:
        """Return its exit code as soon as it ends; None where it lives on after that time."""
        if self._end is not None:  # the library's own wait looks again and again, up to 50 ms late
            poller = select.poll()
            poller.register(self._end, select.POLLIN)
            return self.process.wait() if poller.poll(seconds * 1000) else None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it now."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it if it lives, and remove what it left."""
        self.kill()
        self._over = True
        self._watch.join(timeout=5)
        if self._words >= 0 and not self._watch.is_alive():
            os.close(self._words)
            self._words = -1
            self._forget_end()
        self._folder.close()

    def _forget_end(self) -> None:
        if self._end is not None:
            os.close(self._end)
            self._end = None

    def tell_end(self, name: str) -> WorkerFailed:
        """Return the error that says how it ended, with the last thing that it wrote; it is ended if it has not.

        Args:
            name: What it is called in messages; its connection is closed.
        """
        code = self.wait(5)
        if code is None:
            self.process.kill()
            code = self.process.wait()
        self._watch.join(timeout=1)
        if self.excess:
            return WorkerFailed(f"{name}: its process {self.excess} and was stopped")
        how = f"was ended by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        why = {-signal.SIGKILL: " (out of memory?)", -signal.SIGXCPU: " (out of processor time)"}.get(code, "")
        words = [line for line in self._last.decode(errors="replace").splitlines() if line.strip()]
        last = f"; it wrote: {printable(words[-1].strip()[:300])}" if words else ""
        return WorkerFailed(f"{name}: its process {how}{why}{last}")

    def _look_after(self) -> None:
        """Read what it writes, and look at what it takes, until it has ended."""
        poller = select.poll()
        poller.register(self._words, select.POLLIN)
        due, listening = time.monotonic() + _TICK, True
        while not self._over and self.process.poll() is None:
            if not listening:  # it closed what it wrote to; what it takes is still looked at
                self.wait(_TICK)
            elif poller.poll(_TICK * 1000):
                listening = self._read()
            if time.monotonic() >= due:
                due = time.monotonic() + _TICK
                self.excess = self.excess or self._too_much()
                if self.excess:
                    self.process.kill()
        while self._read():
            pass

    def _read(self) -> bool:
        """Keep the end of what it wrote; return whether there was anything."""
        try:
            words = os.read(self._words, 1 << 16)
        except OSError:
            return False
        self._last = (self._last + words)[-_LAST:]
        return bool(words)

    def _too_much(self) -> str:
        """Return what it takes too much of, empty where nothing."""
        taken = _status(self.process.pid)
        memory = (taken.get("RssAnon", 0) + taken.get("RssShmem", 0)) * 1024
        if self.memory is not None and memory > self.memory:
            return f"took more than its {self.memory / 1e9:.3g} GB of memory"
        if taken.get("Threads", 0) > MOST_THREADS:
            return f"started more than {MOST_THREADS:,} threads"
        if _room(self._folder.path) < self._floor:
            return "left no room on the disk of TMPDIR"
        return _crowded(self._folder.path, self.process.pid)


def _end_of(pid: int) -> int | None:
    """Return a descriptor that can be read once a process has ended; None where the system has none."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):  # some builds of Python lack it
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def at_home(folder: Path) -> dict[str, str]:
    """Return the variables that keep a process out of its user's home and of what others keep in TMPDIR."""
    return {"HOME": str(folder), "TMPDIR": str(folder), "USER": "vetgate", "LOGNAME": "vetgate"}


def _status(pid: int) -> dict[str, int]:
    """Return the whole numbers of /proc/PID/status; none where there is no such file."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    numbers = ((name, value.split()) for name, _, value in pairs)
    return {name: int(words[0]) for name, words in numbers if words and words[0].isdigit()}


def _room(folder: Path) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def _crowded(folder: Path, pid: int) -> str:
    """Return whether a folder holds too much, files without a name that its process has open among it."""
    size = _nameless(folder, pid)
    left, count = [str(folder)], 0
    while left and size <= MOST_KEPT:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    count += 1
                    if count > MOST_FILES:
                        return f"made more than {MOST_FILES:,} temporary files"
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
        except FileNotFoundError:
            continue  # it was removed meanwhile
        except OSError as error:
            return f"made folders that cannot be looked into ({error.strerror})"
    return f"wrote more than {MOST_KEPT / 1e9:.3g} GB of temporary files" if size > MOST_KEPT else ""


def _nameless(folder: Path, pid: int) -> int:
    """Return the bytes of files on the disk of a folder that a process has open and that have no name any more."""
    size = 0
    with suppress(OSError):
        device = folder.stat().st_dev
        for link in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208  # up to some hundred, four times a second
            with suppress(OSError):
                found = os.stat(f"/proc/{pid}/fd/{link}")  # noqa: PTH116  # as above
                if found.st_dev == device and stat.S_ISREG(found.st_mode) and not found.st_nlink:
                    size += found.st_blocks * 512
    return size


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
