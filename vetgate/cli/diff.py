"""`vetgate diff`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vetgate.cli import streams

if TYPE_CHECKING:
    from vetgate.cli.drawn import Place
    from vetgate.host import Host, Offer

NAME = "diff"
"""Of the drawing for the terminal; the others are `diff-FORMAT`."""
STDOUT = "-"


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
    files, 3 where nothing could be compared; with --fail-on worse 1 where a figure got worse, or where a rule or the
    verdict newly fails or cannot be settled any more, and 3 where that is not known: a candidate of OLD.json is not in
    NEW.json, or a figure other than a time cannot be compared.

    \b
        vetgate diff last-release.json report.json
        vetgate diff main.json report.json --fail-on worse --report markdown=diff.md
    """
    from vetgate.cli import exits
    from vetgate.cli.drawn import write_drawings
    from vetgate.domain.errors import Inconclusive
    from vetgate.gate import diff
    from vetgate.host import find_plugins

    host = find_plugins()
    places = _places(reports, output_dir, host, (old, new))
    found = diff(old, new, host, confidence=_level(confidence), old_candidate=old_candidate, candidate=candidate)
    code = 0 if found.comparable else exits.INCONCLUSIVE
    if fail_on:
        code = exits.FAIL if found.worse else exits.INCONCLUSIVE if found.unknown else code
    try:
        write_drawings(found, places, "report")
    except Inconclusive as error:
        streams.tell(f"error: {error.message}")
        return code if code == exits.FAIL else exits.INCONCLUSIVE
    if fail_on and code == exits.INCONCLUSIVE and found.unknown:
        more = f"; {len(found.unknown) - 1:,} more like it" if len(found.unknown) > 1 else ""
        streams.tell(f"error: whether anything got worse is not known: {found.unknown[0]}{more}")
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


def _places(wanted: Sequence[str], folder: str | None, host: Host, spare: Sequence[str]) -> list[Place]:
    """Return where each drawing goes, making sure first that it can go there; the terminal's goes to stdout.

    Raises:
        UsageError: A format is unknown, a place cannot be written or is read, or two drawings would go to one.
        MissingExtra: A drawing lacks a library.
    """
    from vetgate.cli.drawn import require_places

    places = [_place(text, folder, host) for text in wanted]
    if not any(place.path == STDOUT for place in places):
        places.insert(0, _place(f"terminal={STDOUT}", folder, host))
    require_places(places, spare, "report")
    return places


def _place(text: str, folder: str | None, host: Host) -> Place:
    from vetgate.cli.drawn import Place
    from vetgate.domain.errors import UsageError

    form, given, path = text.partition("=")
    if given and not path:
        raise UsageError(f"--report {text} names no file", hint=f"--report {form}=PATH, or --report {form}")
    offer = _offer(form, host)
    offer.require()
    if not path:
        path = STDOUT if form == "terminal" else str(Path(folder or ".") / f"diff{offer.spec.suffix}")
    return Place(f"{form} report", path, offer.spec.factory())


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
