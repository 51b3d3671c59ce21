"""`vetgate diff`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vetgate.domain.difference import Difference
    from vetgate.domain.specs import Drawing
    from vetgate.host import Host, Offer

NAME = "diff"
"""Of the drawing for the terminal; the others are `diff-FORMAT`."""
STDOUT = "-"
FEWEST, MOST = 60, 140
"""Columns that are drawn for, whatever the terminal has."""


@dataclass(frozen=True)
class _Place:
    """One drawing and where it goes."""

    format: str
    path: str
    """A file, or `-` for stdout."""
    drawing: Drawing[Difference]


@click.command("diff", short_help="Compare two saved reports: what got better, worse, new and gone.")
@click.argument("old", metavar="OLD.json")
@click.argument("new", metavar="NEW.json")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FORMAT[=PATH]",
    help="Also write it as markdown, json or html; may be given again.",
)
@click.option("--output-dir", metavar="DIR", help="Where reports without a path go.  [default: .]")
@click.option("--candidate", metavar="NAME", help="Compare this candidate of NEW.json alone.  [default: all]")
@click.option(
    "--old-candidate",
    metavar="NAME",
    help="With this one of OLD.json.  [default: that of the same name, or the only one]",
)
@click.option(
    "--confidence", default="95%", show_default=True, metavar="LEVEL", help="Of intervals and of the verdicts."
)
@click.option("--fail-on", type=click.Choice(["worse"]), help="Exit with 1 when something got worse.")
def command(
    old: str,
    new: str,
    reports: tuple[str, ...],
    output_dir: str | None,
    candidate: str | None,
    old_candidate: str | None,
    confidence: str,
    fail_on: str | None,
) -> int:
    """Compare two saved reports, OLD.json and NEW.json: what got better, worse, new and gone. Runs no model.

    A figure reads worse or better where its change is significant after a correction for the number of figures (Holm);
    what cannot be compared says why, and is never `no change`. Figures of answers need the same images, times the same
    machine and reference. Nothing is judged: exit code 0 for a comparison made, 2 for a mistake in the command or the
    files, 3 where nothing could be compared; with --fail-on worse 1 where a figure got worse, or where a rule newly
    fails or cannot be settled any more.

    \b
        vetgate diff last-release.json report.json
        vetgate diff main.json report.json --fail-on worse --report markdown=diff.md
    """
    from vetgate.cli import exits
    from vetgate.domain.errors import Inconclusive
    from vetgate.gate import diff
    from vetgate.host import find_plugins

    host = find_plugins()
    places = _places(reports, output_dir, host, (old, new))
    found = diff(old, new, host, confidence=_level(confidence), old_candidate=old_candidate, candidate=candidate)
    code = exits.FAIL if fail_on and found.worse else 0 if found.comparable else exits.INCONCLUSIVE
    try:
        _write(found, places)
    except Inconclusive as error:
        click.echo(f"error: {error.message}", err=True)
        return code if code == exits.FAIL else exits.INCONCLUSIVE
    return code


def _level(text: str) -> float:
    from vetgate.domain.unit import Unit, read_quantity

    try:
        level = read_quantity(text, Unit.FRACTION)
    except ValueError as error:
        raise click.UsageError(f"--confidence {text}: {error}") from None
    if not 0.5 < level <= 0.9999:
        raise click.UsageError(f"--confidence {text}: it must be over 50 % and at most 99.99 %, such as 95%")
    return level


def _places(wanted: Sequence[str], folder: str | None, host: Host, spare: Sequence[str]) -> list[_Place]:
    """Return where each drawing goes, making sure first that it can go there; the terminal's goes to stdout.

    Raises:
        UsageError: A format is unknown, a place cannot be written or is read, or two drawings would go to one.
        MissingExtra: A drawing lacks a library.
    """
    from vetgate.domain.errors import UsageError

    places = [_place(text, folder, host) for text in wanted]
    if not any(place.path == STDOUT for place in places):
        places.insert(0, _place(f"terminal={STDOUT}", folder, host))
    read = {os.path.realpath(file) for file in spare}
    taken: set[str] = set()
    for place in places:
        real = place.path if place.path == STDOUT else os.path.realpath(place.path)
        if real in read:
            raise UsageError(f"the {place.format} report would replace {place.path}, which this run reads")
        if real in taken:
            told = "stdout" if real == STDOUT else place.path
            raise UsageError(
                f"two reports would go to {told}", hint="give each a path of its own: --report FORMAT=PATH"
            )
        taken.add(real)
    return places


def _place(text: str, folder: str | None, host: Host) -> _Place:
    from vetgate.cli.output import require_writable

    form, _, path = text.partition("=")
    offer = _offer(form, host)
    offer.require()
    if not path:
        path = STDOUT if form == "terminal" else str(Path(folder or ".") / f"diff{offer.spec.suffix}")
    if path != STDOUT:
        require_writable(Path(path))
    return _Place(form, path, offer.spec.factory())


def _offer(form: str, host: Host) -> Offer:
    """Return who draws a format: `markdown` is `diff-markdown`, and `terminal` is `diff`.

    Raises:
        UsageError: Nobody does.
    """
    from vetgate.documents import suggest
    from vetgate.domain.difference import Difference
    from vetgate.domain.errors import UsageError
    from vetgate.host import Kind

    drawn = [name for name, offer in host.offers.get(Kind.DRAWING, {}).items() if offer.spec.document is Difference]
    known = {"terminal" if name == NAME else name.removeprefix(f"{NAME}-"): name for name in sorted(drawn)}
    offer = host.offer(Kind.DRAWING, known.get(form, ""))
    if offer is None:
        told = f"unknown report format {form!r}{suggest(form, list(known))} (known: {', '.join(known) or 'none'})"
        raise UsageError(told)
    return offer


def _write(difference: Difference, places: Sequence[_Place]) -> None:
    """Write every drawing, files whole or not at all; one that fails does not keep the others back.

    Raises:
        Inconclusive: Some could not be drawn or written.
    """
    from vetgate.cli.output import write_whole
    from vetgate.domain.errors import Inconclusive, VetgateError

    lost = []
    for place in places:
        try:
            content = _for_stdout(place).drawing.draw(difference)
            data = content if isinstance(content, bytes) else content.encode()
            _print(content) if place.path == STDOUT else write_whole(Path(place.path), data)
        except VetgateError as error:
            lost.append(f"{place.format} to {place.path}: {error.message}")
        except (Exception, SystemExit) as error:  # a stranger's drawing may raise anything; the others must not be lost
            lost.append(f"{place.format} to {place.path}: {type(error).__name__}: {error}")
    if lost:
        raise Inconclusive(f"a report was not written: {'; '.join(lost)}")


def _for_stdout(place: _Place) -> _Place:
    """Return the drawing for the terminal's width and colours, where it goes there and has such a form."""
    from vetgate.cli.output import wants_colour
    from vetgate.domain.specs import StyledDrawing

    if place.path != STDOUT or not isinstance(place.drawing, StyledDrawing):
        return place
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
    return replace(place, drawing=place.drawing.styled(max(FEWEST, min(width, MOST)), wants_colour()))


def _print(content: str | bytes) -> None:
    from vetgate.cli import streams

    streams.put(content)
