"""`vetgate landscape`."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vetgate.cli import option, streams

if TYPE_CHECKING:
    from vetgate.cli.drawn import Place
    from vetgate.domain.landscape import Landscape
    from vetgate.domain.specs import Drawing
    from vetgate.gate import Group, Surveyed
    from vetgate.host import Host

TABLE, DATA = "landscape", "landscape-json"
STDOUT = "-"
NOT_DRAWN = (
    *("strict", "baseline", "sequential", "layers", "serve"),
    *("latency_reference", "latency_reference_card", "latency_reference_execution"),
)
"""What a configuration may set for check, and a landscape has no use for."""


@click.command("landscape", short_help="Draw models as points, near where they answer alike.")
@click.argument("candidates", nargs=-1, metavar="[CANDIDATE]...")
@click.option("--reference", metavar="MODEL", help="The original model that candidates were made from.")
@click.option("--data", metavar="PATH", help="Images: a folder, zip, npz, IDX, CIFAR, parquet or CSV file.")
@click.option(
    "--yardstick", metavar="FILE", help="Also draw the independent models in it, and their checkpoints; none runs."
)
@click.option(
    "--independent",
    "independents",
    multiple=True,
    metavar="MODEL",
    help="A model trained independently of the reference; may be given again.",
)
@click.option(
    "--run",
    "runs",
    multiple=True,
    metavar="NAME=MODEL,MODEL...",
    help="Checkpoints of a training run, in order, to be joined by a line; may be given again.",
)
@click.option(
    "--family",
    "families",
    multiple=True,
    metavar="NAME=MODEL,MODEL...",
    help="Compressed models of one kind, drawn alike; may be given again.",
)
@click.option("--chart", "charts", multiple=True, metavar="FILE", help="Also draw the picture, a .svg or a .png file.")
@click.option("--json", "data_file", metavar="FILE", help="Also write points, distances and coordinates.")
@click.option(
    "--method",
    metavar="tsne|mds|both",
    help="How points are put into the plane.  [default: mds below 12 models, else tsne]",
)
@option.cards
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Use N images, drawn at random by --seed.")
@option.drawing_and_running
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of predictions.")
@option.limits
@option.plugins_and_progress
def command(candidates: tuple[str, ...], method: str | None, verbose: bool, **options: Any) -> int:  # noqa: ANN401
    """Draw the reference, CANDIDATEs and other models as points, near where they answer alike.

    Nothing is judged, and the data needs no labels. A picture shows who is near whom; how far is in the table. Where
    models crowd around the reference, a picture draws these alone again beside it, larger and by classical scaling
    whatever the method. A model that cannot be read or run is named and left out, and the exit code is 3.

    \b
        vetgate landscape *.onnx --reference base.pt --data eval/ --yardstick base.yardstick --chart landscape.svg
        vetgate landscape int8.onnx --reference base.pt --data eval/ --run first=u-02.pt,u-06.pt,u-16.pt
    """
    from vetgate.cli import exits
    from vetgate.cli.drawn import write_drawings
    from vetgate.cli.progress import progress
    from vetgate.cli.settings import gather, to_request
    from vetgate.gate import Lineup, survey
    from vetgate.host import find_plugins

    now = datetime.datetime.now(datetime.UTC)
    lineup = Lineup(
        candidates,
        options.pop("independents"),
        tuple(_group(text, "--run") for text in options.pop("runs")),
        tuple(_group(text, "--family") for text in options.pop("families")),
    )
    charts, data_file = options.pop("charts"), options.pop("data_file")
    settings = gather(option.read_flags(lineup.files, options), Path.cwd(), os.environ)
    settings = settings.model_copy(update=dict.fromkeys(NOT_DRAWN))
    request = to_request(lineup.files, settings, ("vetgate", *click.get_current_context().obj))
    host = find_plugins(request.disabled, request.prefer)
    places = _places(charts, data_file, host, request.files)
    with progress(verbose=verbose) as watch:
        surveyed = survey(request, lineup, host, now=now, watch=watch, method=method)
    try:
        write_drawings(surveyed.landscape, places, "drawing", usual=120)
    finally:
        _tell(surveyed)
    return exits.INCONCLUSIVE if surveyed.failed else 0


def _tell(surveyed: Surveyed) -> None:
    """Tell on stderr what a reader must know, and which models are not in the landscape."""
    from vetgate.cli.outlook import warn_of_few

    warn_of_few("the landscape", surveyed.landscape.images)
    for warning in surveyed.warnings:
        streams.tell(f"warning: {warning}")
    for failed in surveyed.failed:
        streams.tell(f"error: {failed.path} is not in the landscape: {failed.error.message}")
        if failed.error.hint:
            streams.tell(f"hint: {failed.error.hint}")


def _group(text: str, flag: str) -> Group:
    """Return the models that `NAME=MODEL,MODEL` names; one with a comma in its path stands alone."""
    from vetgate.gate import Group

    name, _, listed = text.partition("=")
    files = (listed,) if Path(listed).is_file() else tuple(listed.split(","))
    if not name or not all(files):
        raise click.UsageError(f"{text!r} is not of the form {flag} NAME=MODEL,MODEL...")
    return Group(name, files)


def _places(charts: Sequence[str], data_file: str | None, host: Host, spare: Sequence[str]) -> list[Place]:
    """Return where each drawing goes, making sure before the run that it can go there; the table goes to stdout.

    Raises:
        UsageError: A suffix is unknown, a place cannot be written or is read, or two drawings would go to one.
        MissingExtra: A drawing lacks a library.
    """
    from vetgate.cli.drawn import Place, require_places

    wanted = [(_by_suffix(chart, host), chart) for chart in charts]
    wanted += [(DATA, data_file)] if data_file is not None else []
    if not any(path == STDOUT for _, path in wanted):
        wanted.insert(0, (TABLE, STDOUT))
    places = [Place("landscape", path, _drawing(name, host)) for name, path in wanted]
    require_places(places, spare, "drawing")
    return places


def _by_suffix(chart: str, host: Host) -> str:
    """Return who draws files of a suffix.

    Raises:
        UsageError: Nobody does.
    """
    from vetgate.domain.errors import UsageError
    from vetgate.domain.landscape import Landscape
    from vetgate.host import Kind

    offers = host.offers.get(Kind.DRAWING, {})
    by_suffix = {offer.spec.suffix: name for name, offer in sorted(offers.items()) if offer.spec.document is Landscape}
    name = by_suffix.get(Path(chart).suffix.lower())
    if name is None:
        known = ", ".join(sorted(by_suffix)) or "none, for no plugin draws landscapes"
        raise UsageError(f"--chart {chart}: nobody draws files of that suffix (known: {known})")
    return name


def _drawing(name: str, host: Host) -> Drawing[Landscape]:
    from vetgate.domain.errors import MissingExtra
    from vetgate.host import Kind

    offer = host.offer(Kind.DRAWING, name)
    if offer is None:
        raise MissingExtra(f"no plugin draws {name}", hint="vetgate plugins shows what is out of order")
    offer.require()
    drawing: Drawing[Landscape] = offer.spec.factory()
    return drawing
