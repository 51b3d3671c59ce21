"""`vetgate yardstick`."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vetgate.cli import option, streams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vetgate.cli.settings import Settings
    from vetgate.domain.request import RunRequest
    from vetgate.gate import Training
    from vetgate.yardstick import Content, Gauge

DISTANCES = ("js_divergence", "total_variation", "l2", "disagreement")
NOT_BUILT_WITH = (
    *("strict", "baseline", "sequential", "yardstick", "layers", "serve"),
    *("latency_reference", "latency_reference_card", "latency_reference_execution"),
)
"""What a configuration may set for check, and building a yardstick has no use for."""
UNITS = {"js_divergence": " bit", "disagreement": " of images"}


@click.group("yardstick", short_help="Build or show a yardstick of independently trained models.")
def command() -> None:
    """Build or show a yardstick: how far models are from the reference that were trained independently of it.

    \b
        vetgate yardstick build --reference base.pt --independent u1.pt u2.pt --data eval/ -o base.yardstick
    """


@command.command("build")
@click.argument("more", nargs=-1, metavar="")
@click.option(
    "--independent",
    "independents",
    multiple=True,
    metavar="MODEL...",
    help="A model trained independently of the reference on the same data; several may follow, two at least.",
)
@click.option(
    "--checkpoints",
    multiple=True,
    metavar="MODEL=FILE,FILE...",
    help="Checkpoints of an independent's training, in order, for landscapes; may be given again.",
)
@click.option("--reference", metavar="MODEL", help="The model that candidates are made from.")
@click.option("--data", metavar="PATH", help="The images that checks will use; labels are not needed.")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where the yardstick goes.")
@click.option(
    "--force",
    is_flag=True,
    help="Replace a file that is there, and take models that are hardly independent with a warning.",
)
@click.option(
    "--distance",
    type=click.Choice(DISTANCES),
    default=DISTANCES[0],
    show_default=True,
    help="What is measured; js_divergence separates best.",
)
@option.cards
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Use N images, drawn at random by --seed.")
@option.drawing_and_running
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of predictions.")
@option.limits
@option.plugins_and_progress
def build(more: tuple[str, ...], output: str, force: bool, distance: str, verbose: bool, **options: Any) -> int:  # noqa: ANN401
    """Keep what the reference and independent models answer.

    Checks then measure how far a candidate is, as a share of how far these are, and need neither the models nor their
    runtimes. An independent model was trained on the same data as the reference, from other random weights. One that
    holds weights alone and has no card is read by the reference's.

    \b
        vetgate yardstick build --reference base.pt --independent u1.pt u2.pt u3.pt --data eval/ -o base.yardstick
        vetgate check int8.onnx --reference base.pt --data eval/ --yardstick base.yardstick
    """
    from vetgate.cli.output import write_whole
    from vetgate.cli.progress import progress
    from vetgate.cli.settings import gather, to_request
    from vetgate.domain.yardstick import Distance
    from vetgate.gate import build_yardstick
    from vetgate.host import find_plugins
    from vetgate.yardstick import dump

    now = datetime.datetime.now(datetime.UTC)
    trainings = _trainings(options.pop("independents"), more, options.pop("checkpoints"))
    models = tuple(path for each in trainings for path in (*each.checkpoints, each.final))
    settings = _without_judging(gather(option.read_flags(models, options), Path.cwd(), os.environ))
    request = to_request(models, settings, ("vetgate", *click.get_current_context().obj))
    _require_place(output, request, force=force)
    host = find_plugins(request.disabled, request.prefer)
    with progress(verbose=verbose) as watch:
        built = build_yardstick(
            request, trainings, host, distance=Distance(distance), now=now, watch=watch, force=force
        )
    write_whole(Path(output), dump(built.content))
    _show(output, built.content, built.gauge, built.warnings)
    return 0


@command.command("show", short_help="Show what a yardstick was built of, and how far its independents are.")
@click.argument("file", metavar="FILE")
def show(file: str) -> None:
    """Show what a yardstick was built of and how far its independents are; no model is needed.

    \b
        vetgate yardstick show base.yardstick
    """
    from vetgate.gate import load_yardstick
    from vetgate.yardstick import doubts

    reading = load_yardstick(file).reading
    _show(file, reading.content, reading.gauge, doubts(reading.content, reading.gauge))


def _without_judging(settings: Settings) -> Settings:
    return settings.model_copy(update={**dict.fromkeys(NOT_BUILT_WITH), "latency_reference_card": None})


def _trainings(named: tuple[str, ...], more: tuple[str, ...], checkpoints: tuple[str, ...]) -> list[Training]:
    """Return the training runs that flags name: `--independent A B C` reaches click as one option and two arguments."""
    from vetgate.gate import Training

    if more and not named:
        raise click.UsageError(f"{more[0]}: name independent models with --independent MODEL")
    finals = (*named, *more)
    on_the_way: dict[str, tuple[str, ...]] = {}
    for text in checkpoints:
        owners = [final for final in finals if text.startswith(f"{final}=")]
        if not owners:
            raise click.UsageError(
                f"--checkpoints {text}: write MODEL=FILE,FILE where MODEL is one of {', '.join(finals) or 'none'}"
            )
        owner = max(owners, key=len)
        on_the_way[owner] = (*on_the_way.get(owner, ()), *_files(text[len(owner) + 1 :], text))
    return [Training(final, on_the_way.get(final, ())) for final in finals]


def _files(text: str, whole: str) -> Sequence[str]:
    """Return the files of a list; one with a comma in its name stands alone."""
    files = [text] if Path(text).is_file() else text.split(",")
    if not all(files):
        raise click.UsageError(f"--checkpoints {whole}: a file has an empty name")
    return files


def _require_place(output: str, request: RunRequest, *, force: bool) -> None:
    """Make sure before anything runs that the yardstick can go where it shall."""
    from vetgate.domain.errors import UsageError

    place = Path(output)
    if place.is_dir():
        raise UsageError(f"{output} is a folder", hint="name a file: -o base.yardstick")
    read = {os.path.realpath(file) for file in request.files if Path(file).exists()}
    if os.path.realpath(output) in read:
        raise UsageError(f"the yardstick would replace {output}, which this run reads", hint="name another file")
    if place.exists() and not force:
        raise UsageError(f"{output} exists already and was left as it is", hint="name another file, or say --force")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror or error}") from None
    if not os.access(place.parent, os.W_OK):
        raise UsageError(f"{output} cannot be written: no permission for its folder")


def _show(name: str, content: Content, measured: Gauge, warnings: Sequence[str]) -> None:
    """Print what a yardstick was built of, how far each independent is, and what they span."""
    from vetgate.cli.outlook import counted

    header = content.header
    unit = UNITS.get(header.distance.value, "")
    click.echo(f"{name}: {counted(header.images, 'image')} of {header.data}, {len(header.classes)} classes")
    own = content.accuracy(content.reference)
    told = "" if own is None else f", accuracy {own:.2%}"
    click.echo(f"reference {header.reference.name}, sha256 {header.reference.sha256[:12]}{told}")
    click.echo(
        f"distance from it by {header.distance.value}, built {header.created.date()} by vetgate {header.vetgate}"
    )
    rows = [("independent", "accuracy", "distance", "of the median", "checkpoints")]
    far = zip(content.finals, measured.distances, measured.relative, strict=True)
    for (peer, matrix), distance, share in far:
        accuracy = content.accuracy(matrix)
        steps = sum(other.run == peer.run for other in header.peers) - 1
        shown = "-" if accuracy is None else f"{accuracy:.2%}"
        rows.append((peer.name, shown, f"{distance:.4g}{unit}", f"{share:.3f}", str(steps)))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    click.echo()
    for first, *rest in rows:
        cells = (first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)))
        click.echo(f"  {'  '.join(cells)}")
    low, high = measured.bracket
    click.echo(f"\nmedian {measured.median:.4g}{unit} (95 % {measured.low:.4g} to {measured.high:.4g})")
    click.echo(
        f"bracket {low:.3f} to {high:.3f}: as far from the reference as an independent model is; 0 is the reference"
    )
    for warning in warnings:
        streams.tell(f"warning: {warning}")
