"""Reports on their way out: where each goes, and written whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from vetgate.atomic import replace_whole, sweep
from vetgate.cli import exits, streams
from vetgate.documents import suggest
from vetgate.domain.errors import Inconclusive, UsageError, VetgateError
from vetgate.domain.report import ReportSet
from vetgate.domain.specs import Reporter, StyledReporter
from vetgate.host import Host, Kind

TERMINAL = "terminal"
JSON = "json"
COMMANDS = "github"
"""The format whose lines a log of GitHub Actions shall take for commands."""
STDOUT = "-"
NARROWEST, WIDEST = 24, 140
"""Columns that reports are drawn for, whatever the terminal has."""


@dataclass(frozen=True)
class Target:
    """One report format and where it goes."""

    format: str
    path: str
    """A file, or `-` for stdout."""
    reporter: Reporter


def choose(wanted: Sequence[str], folder: str | None, host: Host, *, spare: Sequence[str] = ()) -> list[Target]:
    """Return where each report goes, making sure before the run that it can go there.

    The terminal report always goes to stdout, unless another one does.

    Args:
        wanted: FORMAT or FORMAT=PATH.
        folder: Where reports without a path go; None is the working directory.
        host: Who writes formats.
        spare: Files that the run reads, which no report may be written over.

    Raises:
        UsageError: A format is unknown, a place cannot be written or is read, or two reports would go to one.
        MissingExtra: A reporter lacks a library.
    """
    targets = [_target(text, folder, host) for text in wanted]
    if not any(target.path == STDOUT for target in targets) and host.offer(Kind.REPORTER, TERMINAL):
        targets.insert(0, _target(f"{TERMINAL}={STDOUT}", folder, host))
    _spare(targets, spare)
    places = [target.path if target.path == STDOUT else os.path.realpath(target.path) for target in targets]
    if len(set(places)) < len(places):
        twice = next(place for place in places if places.count(place) > 1)
        raise UsageError(
            f"two reports would go to {'stdout' if twice == STDOUT else twice}",
            hint="give each a path of its own: --report FORMAT=PATH",
        )
    return targets


def _spare(targets: Sequence[Target], files: Sequence[str]) -> None:
    read = {os.path.realpath(file) for file in files if Path(file).exists()}
    for target in targets:
        if target.path != STDOUT and os.path.realpath(target.path) in read:
            raise UsageError(f"the {target.format} report would replace {target.path}, which this run reads")


def _target(text: str, folder: str | None, host: Host) -> Target:
    name, given, path = text.partition("=")
    if given and not path:
        raise UsageError(f"--report {text} names no file", hint=f"--report {name}=PATH, or --report {name}")
    offer = host.offer(Kind.REPORTER, name)
    if offer is None:
        known = host.names(Kind.REPORTER)
        raise UsageError(f"unknown report format {name!r}{suggest(name, known)} (known: {', '.join(known)})")
    offer.require()
    if not path:
        path = STDOUT if name == TERMINAL else str(Path(folder or ".") / f"report{offer.spec.suffix}")
    if path != STDOUT:
        require_writable(Path(path))
    return Target(name, path, offer.spec.factory())


def require_writable(path: Path, what: str = "report") -> None:
    """Make sure before a run that a file can be written.

    Args:
        path: Where it goes.
        what: What messages call it.

    Raises:
        UsageError: It cannot.
    """
    if path.is_dir():
        hint = "name a file, or use --output-dir" if what == "report" else "name a file"
        raise UsageError(f"{what} {path} is a folder", hint=hint)
    try:
        if _is_device(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        sweep(path.resolve().parent)
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be written: {error.strerror}") from None


def write_all(reports: ReportSet, targets: Sequence[Target]) -> dict[str, bytes]:
    """Render and write every report; one that fails does not keep the others back.

    Returns:
        What went to files, by format.

    Raises:
        Inconclusive: Some could not be rendered or written.
    """
    lost, written = [], dict[str, bytes]()
    for target in targets:
        try:
            content = _write(reports, target)
            if target.path != STDOUT:
                written[target.format] = content
        except (Exception, SystemExit) as error:  # a reporter may raise anything; the others' must not be lost
            place = "stdout" if target.path == STDOUT else target.path
            lost.append(f"{target.format} to {place}: {why_lost(error)}")
    if lost:
        raise Inconclusive(f"a report was not written: {'; '.join(lost)}")
    return written


def why_lost(error: BaseException) -> str:
    """Return why something was not drawn or written, in words."""
    if isinstance(error, VetgateError):
        return error.message
    told = error.strerror if isinstance(error, OSError) else None
    return told or f"{type(error).__name__}: {error}"


Sign = Callable[[ReportSet, Mapping[str, bytes]], Mapping[str, bytes]]
"""Signs verdicts, given the reports that were written; returns attestations by the name of their file."""
Publish = Callable[[ReportSet, Mapping[str, bytes], Mapping[str, bytes]], None]
"""Publishes verdicts, given the reports that were written and the attestations."""


def deliver(
    reports: ReportSet,
    targets: Sequence[Target],
    *,
    strict: bool,
    sign: Sign | None = None,
    publish: Publish | None = None,
) -> int:
    """Write every report and return the exit code; a lost report makes all but a fail inconclusive.

    Args:
        reports: What was found.
        targets: From `choose`.
        strict: Whether a warning counts as fail.
        sign: Signs the verdicts once every report is written: a pass whose report was lost is none.
        publish: Publishes them last, once all is written and signed; what was lost before is not published.
    """
    code = exits.exit_code(reports.decision, strict=strict)
    try:
        written = write_all(reports, targets)
        signed = sign(reports, written) if sign is not None else {}
        if publish is not None:
            publish(reports, written, signed)
    except Inconclusive as error:
        streams.tell(f"error: {error.message}")
        return code if code == exits.FAIL else exits.INCONCLUSIVE
    return code


def _write(reports: ReportSet, target: Target) -> bytes:
    reporter = target.reporter
    if target.path == STDOUT and isinstance(reporter, StyledReporter):
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
        reporter = reporter.styled(width=max(NARROWEST, min(width, WIDEST)), colour=wants_colour())
    content = reporter.render(reports)
    data = content if isinstance(content, bytes) else content.encode()
    if target.path == STDOUT:
        with streams.obeyed() if target.format == COMMANDS else nullcontext():
            streams.put(content)
        return data
    write_whole(Path(target.path), data)
    return data


def wants_colour() -> bool:
    """Return whether stdout is a terminal that shall show colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or, when anything goes wrong, as it was before.

    A link is followed, and a device such as /dev/stdout is written and not replaced.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        if _is_device(path):
            path.write_bytes(data)
        else:
            replace_whole(path.resolve(), data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
