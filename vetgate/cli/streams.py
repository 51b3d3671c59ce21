"""The standard streams, fit for a gate: what stderr cannot tell changes no decision, what stdout loses is known."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO


_LOST = (errno.EBADF, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def prepare() -> None:
    """Make the streams of this process safe to use, however the shell has set them up; called once, at its start.

    A closed descriptor is taken by the next file that is opened, and a library that prints would write into it.
    """
    closed = [number for number in (0, 1, 2) if not _is_open(number)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stdout is None or 1 in closed:
        sys.stdout = _Closed()
    sys.stderr = Forgiving(sys.stderr if 2 not in closed else None)


def without_reader() -> None:
    """Send what else goes to stdout nowhere: nobody gets it, and flushing it at the end would be an error."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # stays open to the end


def put(content: str | bytes) -> None:
    """Print a document on stdout; a reader that has seen enough and went away, as `head -1` does, has not lost it.

    Raises:
        OSError: Stdout is closed or full.
    """
    import click

    try:
        click.echo(content if isinstance(content, bytes) else content.rstrip("\n"), color=True)
    except BrokenPipeError:
        without_reader()
    except OSError:
        without_reader()  # what waits to be written would be an error again when the process ends
        raise


def is_stdout_lost(error: OSError) -> bool:
    """Return whether an error is that of stdout: what it could not write, it still cannot."""
    if error.errno not in _LOST:
        return False
    if isinstance(sys.stdout, _Closed):
        return error.errno == errno.EBADF
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except (OSError, ValueError) as again:
        return isinstance(again, OSError) and again.errno == error.errno
    return False


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


class _Closed(io.TextIOBase):
    """Stands for a stdout that was closed before the start: writing there is an error, as it is to a full disk."""

    def write(self, text: str) -> int:
        """Refuse.

        Raises:
            OSError: Always.
        """
        raise OSError(errno.EBADF, "it is closed")

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """Refuse, likewise."""
        for line in lines:
            self.write(line)


class Forgiving(io.TextIOBase):
    """A stderr that nobody need read: where it is closed, full or gone, what is told there is lost, and that is all."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream behind it."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """Likewise."""
        return getattr(self._stream, "errors", None) or "replace"

    def write(self, text: str) -> int:
        """Write what can be written; say that all of it was."""
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush likewise."""
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.flush()

    def isatty(self) -> bool:
        """Return whether a terminal is behind it."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Return the number of the stream behind it."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def reconfigure(self, *, errors: str) -> None:
        """Set how letters are written that the stream lacks."""
        if isinstance(self._stream, io.TextIOWrapper):
            self._stream.reconfigure(errors=errors)
