"""Continuous integration services, told from the environment: what `vetgate check` does there without being asked.

What a service shows goes beside the reports that were asked for and never changes the verdict: where it cannot be
written, that is a warning. A service that wants nothing done by itself may have a hint.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from vetgate.cli import streams
from vetgate.cli.output import COMMANDS, STDOUT, TERMINAL, Target
from vetgate.domain.report import ReportSet
from vetgate.domain.specs import BoundedReporter, Reporter
from vetgate.host import Host, Kind


@dataclass(frozen=True)
class Service:
    """One service."""

    name: str
    variable: str
    """Of the environment; `true` there."""
    annotations: str = ""
    """Report format whose lines its log takes for commands; empty where it has none."""
    stop: str = ""
    """Line after which its log takes nothing for a command, with `{}` for a word that nobody can guess."""
    resume: str = ""
    """Line, likewise, from which it does again."""
    summary: str = ""
    """Report format of the page that it shows of a job; empty where it has none."""
    summary_variable: str = ""
    """Names the file of that page."""
    summary_bytes: int = 0
    """How long it may be, with what others write there."""
    shown: tuple[str, ...] = ()
    """Report formats that it shows once they are named in its configuration."""
    hint: str = ""
    """What to do, where none of these was asked for."""


SERVICES = (
    Service(
        name="GitHub Actions",
        variable="GITHUB_ACTIONS",
        annotations=COMMANDS,
        stop="::stop-commands::{}",
        resume="::{}::",
        summary="github-summary",
        summary_variable="GITHUB_STEP_SUMMARY",
        summary_bytes=1_048_576,
    ),
    Service(
        name="GitLab CI",
        variable="GITLAB_CI",
        shown=("junit", "gitlab"),
        hint="merge requests show `--report junit=junit.xml --report gitlab=gl-code-quality-report.json` where the job "
        "names them under artifacts: reports: (junit, codequality)",
    ),
)


def find_service(variables: Mapping[str, str]) -> Service | None:
    """Return the service that this process runs in, None outside of those that are known."""
    return next((service for service in SERVICES if variables.get(service.variable) == "true"), None)


@contextmanager
def quiet_log(service: Service | None, targets: Sequence[Target]) -> Iterator[None]:
    """Keep the service from taking text of strangers for commands meanwhile, such as a class named `::error::x`.

    Where stdout is a file or has a report for machines, the lines go to stderr, which the log takes in as well.
    """
    formats = {target.format for target in targets if target.path == STDOUT}
    if service is None or not service.stop or service.annotations in formats:
        yield
        return
    word, aside = secrets.token_hex(16), _aside(targets)
    _say(service.stop.format(word), aside=aside)
    try:
        yield
    finally:
        _say(service.resume.format(word), aside=aside)


def announce(
    service: Service | None, reports: ReportSet, targets: Sequence[Target], host: Host, variables: Mapping[str, str]
) -> None:
    """Show the service what it has a place for, once each, unless it was asked for by name.

    Args:
        service: From `find_service`.
        reports: What was found.
        targets: The reports that were asked for.
        host: Who writes formats.
        variables: The environment.
    """
    if service is None:
        return
    asked = {target.format for target in targets}
    if service.hint and not asked.intersection(service.shown):
        click.echo(f"hint: {service.name}: {service.hint}", err=True)
    if service.annotations and service.annotations not in asked:
        _try(service, "annotations", lambda: _annotate(_reporter(service.annotations, host), reports, targets))
    place = variables.get(service.summary_variable, "")
    if place and service.summary not in asked:
        most = service.summary_bytes
        _try(service, "summary", lambda: _append(_reporter(service.summary, host), reports, Path(place), most))


def _say(line: str, *, aside: bool) -> None:
    """Print a line for the log, on stderr where `aside`; where it cannot be, neither can what it guards."""
    with suppress(OSError), streams.obeyed():
        click.echo(line, err=aside)


def _aside(targets: Sequence[Target]) -> bool:
    """Return whether stdout is for machines or a file, so that lines for the log have to go to stderr."""
    if any(target.path == STDOUT and target.format != TERMINAL for target in targets):
        return True
    with suppress(OSError, ValueError):  # a stream without a descriptor, or a closed one
        return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    return False


def _try(service: Service, what: str, act: Callable[[], None]) -> None:
    try:
        act()
    except (Exception, SystemExit) as error:  # a plugin may raise anything, and the verdict stands
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        click.echo(f"warning: {service.name} gets no {what}: {told}; --no-ci leaves it out", err=True)


def _reporter(name: str, host: Host) -> Reporter | None:
    """Return who writes a format; None where its plugin was switched off or lacks a library."""
    offer = host.offer(Kind.REPORTER, name)
    reporter: Reporter | None = offer.spec.factory() if offer is not None and not offer.missing else None
    return reporter


def _annotate(reporter: Reporter | None, reports: ReportSet, targets: Sequence[Target]) -> None:
    content = reporter.render(reports) if reporter is not None else ""
    with streams.obeyed():
        if content and _aside(targets):
            click.echo(content, nl=False, err=True)
        elif content:
            streams.put(content)


def _append(reporter: Reporter | None, reports: ReportSet, place: Path, most: int) -> None:
    """Append the page to what others wrote; a service drops all of it where that gets too long.

    Raises:
        OSError: It cannot be written, or there is no room.
    """
    if reporter is None:
        return
    taken = place.stat().st_size if place.exists() else 0
    gap = b"\n\n" if taken else b""
    room = most - taken - len(gap)
    if isinstance(reporter, BoundedReporter):
        reporter = reporter.within(room)
    content = reporter.render(reports)
    data = content if isinstance(content, bytes) else content.encode()
    if not data or len(data) > room:
        raise OSError(f"other commands of this step wrote {taken:,} of {most:,} bytes")
    with place.open("ab") as file:
        file.write(gap + data)
