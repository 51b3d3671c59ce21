"""Reports on their way out: where each goes, and written whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from vetgate.documents import suggest
from vetgate.domain.errors import Inconclusive, UsageError
from vetgate.domain.report import ReportSet
from vetgate.domain.specs import Reporter, StyledReporter
from vetgate.host import Host, Kind

TERMINAL = "terminal"
STDOUT = "-"


@dataclass(frozen=True)
class Target:
    """One report format and where it goes."""

    format: str
    path: str
    """A file, or `-` for stdout."""
    reporter: Reporter


def choose(wanted: Sequence[str], folder: str | None, host: Host) -> list[Target]:
    """Return where each report goes, making sure before the run that it can go there.

    The terminal report always goes to stdout, unless another one does.

    Args:
        wanted: FORMAT or FORMAT=PATH.
        folder: Where reports without a path go; None is the working directory.
        host: Who writes formats.

    Raises:
        UsageError: A format is unknown or a place cannot be written.
        MissingExtra: A reporter lacks a library.
    """
    targets = [_target(text, folder, host) for text in wanted]
    if not any(target.path == STDOUT for target in targets) and host.offer(Kind.REPORTER, TERMINAL):
        targets.insert(0, _target(f"{TERMINAL}={STDOUT}", folder, host))
    if sum(target.path == STDOUT for target in targets) > 1:
        raise UsageError("two reports would go to stdout", hint="give all but one a path: --report FORMAT=PATH")
    return targets


def _target(text: str, folder: str | None, host: Host) -> Target:
    name, _, path = text.partition("=")
    offer = host.offer(Kind.REPORTER, name)
    if offer is None:
        known = host.names(Kind.REPORTER)
        raise UsageError(f"unknown report format {name!r}{suggest(name, known)} (known: {', '.join(known)})")
    offer.require()
    if not path:
        path = STDOUT if name == TERMINAL else str(Path(folder or ".") / f"report{offer.spec.suffix}")
    if path != STDOUT:
        _require_writable(Path(path))
    return Target(name, path, offer.spec.factory())


def _require_writable(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"report {path} is a folder", hint="name a file, or use --output-dir")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UsageError(f"report {path} cannot be written: {error.strerror}") from None


def write_all(reports: ReportSet, targets: Sequence[Target]) -> None:
    """Render and write every report; one that fails does not keep the others back.

    Raises:
        Inconclusive: Some could not be rendered or written.
    """
    lost = []
    for target in targets:
        try:
            _write(reports, target)
        except BrokenPipeError:
            raise
        except Exception as error:  # a reporter of a stranger may raise anything; the others' reports must not be lost
            lost.append(f"{target.format} to {target.path}: {type(error).__name__}: {error}")
    if lost:
        raise Inconclusive(f"a report was not written: {'; '.join(lost)}")


def _write(reports: ReportSet, target: Target) -> None:
    reporter = target.reporter
    if target.path == STDOUT and isinstance(reporter, StyledReporter):
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
        reporter = reporter.styled(width=max(60, min(width, 140)), colour=_wants_colour())
    content = reporter.render(reports)
    if target.path == STDOUT:
        click.echo(content if isinstance(content, bytes) else content.rstrip("\n"), color=True)
        return
    data = content if isinstance(content, bytes) else content.encode()
    write_whole(Path(target.path), data)


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or, when anything goes wrong, as it was before."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        part = Path(file.name)
        try:
            file.write(data)
            file.flush()
            part.chmod(0o644)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
