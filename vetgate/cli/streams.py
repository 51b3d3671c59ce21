"""The standard streams, fit for a gate: what stderr cannot tell changes no decision, what stdout loses is known.

In a CI whose log takes lines for commands (`::add-mask::x` in GitHub Actions, `##vso[...]` in Azure Pipelines), a blank
is put into whatever reads like one, on both streams and in every command: a file may be called so, and what is told on
stderr is not held by a guard on stdout, for a runner reads the two without order.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO


_OBEYING = ("GITHUB_ACTIONS", "TF_BUILD")
"""Variables of services whose logs take lines for commands; `true` there."""
_COMMAND = re.compile(r"(?:^|(?<=[\r\n]))(\s*):(?=:)|##(?=\w*\[)")
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
    if any(os.environ.get(name, "").lower() == "true" for name in _OBEYING):
        sys.stderr = Unheeded(sys.stderr)
        sys.stdout = sys.stdout if _is_file(1) else Unheeded(sys.stdout)


def defused(text: str) -> str:
    """Return text with a blank in whatever the log of a CI would take for a command."""
    return _COMMAND.sub(lambda match: f"{match[1]}: " if match[1] is not None else "## ", text)


@contextmanager
def obeyed() -> Iterator[None]:
    """Let commands through meanwhile: those that the log shall take."""
    unheeded = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, Unheeded)]
    for stream in unheeded:
        stream.lets_through = True
    try:
        yield
    finally:
        for stream in unheeded:
            stream.lets_through = False


def tell(message: str) -> None:
    """Print a message on stderr; what strangers wrote into it cannot paint on a terminal."""
    import click

    from vetgate.label import plain

    click.echo("\n".join(map(plain, message.split("\n"))), err=True)


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


def _is_file(number: int) -> bool:
    """Return whether a descriptor is a file's, which no runner reads."""
    with contextlib.suppress(OSError):
        return stat.S_ISREG(os.fstat(number).st_mode)
    return False


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


class Unheeded(io.TextIOBase):
    """A stream into the log of a CI, in which nothing that is printed is a command unless it shall be one."""

    def __init__(self, stream: TextIO | io.TextIOBase) -> None:
        self._stream = stream
        self.lets_through = False

    def write(self, text: str) -> int:
        """Write; say that all of it was."""
        self._stream.write(text if self.lets_through else defused(text))
        return len(text)

    def flush(self) -> None:
        """Flush likewise."""
        self._stream.flush()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream behind it."""
        return self._stream.encoding or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """Likewise."""
        return self._stream.errors

    @property
    def buffer(self) -> Any:  # noqa: ANN401  # of bytes, which are documents
        """The stream of bytes behind it."""
        return getattr(self._stream, "buffer", None)

    def isatty(self) -> bool:
        """Return whether a terminal is behind it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the number of the stream behind it."""
        return self._stream.fileno()

    def reconfigure(self, *, errors: str) -> None:
        """Set how letters are written that the stream lacks."""
        if isinstance(self._stream, io.TextIOWrapper | Forgiving):
            self._stream.reconfigure(errors=errors)
