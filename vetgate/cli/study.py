"""`vetgate study`."""

from __future__ import annotations

import datetime
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vetgate.cli import option, streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vetgate.domain.landscape import Landscape
    from vetgate.domain.request import StudyRequest
    from vetgate.domain.setting import Setting
    from vetgate.domain.study import Study
    from vetgate.host import Host

TABLE = "study"
DRAWINGS = {
    "study.json": "study-json",
    "study.md": "study-markdown",
    "deviation.svg": "study-svg",
    "deviation.png": "study-png",
}
"""Drawing by file of the folder."""
LANDSCAPES = {
    "landscape.json": "landscape-json",
    "landscape.svg": "landscape-svg",
    "landscape.png": "landscape-png",
}
REPORT = "report.json"
CHARTS = {".svg": "landscape-svg", ".png": "landscape-png"}
"""Drawing by the suffix of --chart."""


@click.group("study", short_help="Make compressed variants of a model and see where it breaks.")
def command() -> None:
    """Make compressed variants of a model and see where it breaks, before anybody writes a policy for it.

    \b
        vetgate study compress --reference base.pt --data eval/ --list
        vetgate study show study/
    """


@command.command(
    "compress", short_help="Make compressed variants, vet each, and print how far each is from the reference."
)
@click.option("--reference", metavar="MODEL", help="The model to compress.")
@click.option("--data", metavar="PATH", help="Images that variants are vetted on, and never made with.")
@click.option("--train-data", metavar="PATH", help="Labelled images to train on: distillation, transfer.")
@click.option(
    "--calibration-data", metavar="PATH", help="Images for static quantisation.  [default: 1,000 of --train-data]"
)
@click.option("--donor", metavar="MODEL", help="Another trained model of the same architecture, to take layers from.")
@click.option("--donor-card", metavar="FILE", help="Card of the donor.  [default: the reference's]")
@click.option("--initial", metavar="FILE", help="Weights that the reference's training started from.")
@click.option("--yardstick", metavar="FILE", help="Answers of independent models, to stand beside the variants.")
@click.option(
    "--policy", metavar="NAME|FILE", help="Also judge each variant.  [default: measure, time nothing and judge nothing]"
)
@click.option(
    "--only", multiple=True, metavar="NAME,...", help="Recipes or families to make, with * and ?; may be given again."
)
@click.option("--skip", multiple=True, metavar="NAME,...", help="Recipes or families to leave out.")
@click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="STEP:NAME=VALUE+STEP",
    help="One more variant, such as prune-l1:rate=0.6+int8-dynamic; may be given again.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="STEP.NAME=VALUE",
    help="A setting that no recipe states itself, such as distil.epochs=8; --list shows them.",
)
@click.option("--output", default="study", show_default=True, metavar="DIR", help="Where variants and results go.")
@click.option("--chart", metavar="FILE", help="Also write the landscape to a .svg or a .png file.")
@click.option("--no-landscape", is_flag=True, help="Draw no landscape.")
@click.option("--list", "listing", is_flag=True, help="List the recipes and what each needs; make nothing.")
@click.option("--reference-card", metavar="FILE", help="Card of the reference; variants get it, too.")
@click.option(
    "--architecture",
    metavar="SPEC",
    help="For files that hold only weights: FILE.py:CALLABLE, MODULE:CALLABLE, torchvision/NAME or timm/NAME.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Vet on N images, drawn at random by --seed.")
@option.drawing_and_running
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of predictions.")
@option.limits
@option.plugins_and_progress
def compress(verbose: bool, listing: bool, **options: Any) -> int:  # noqa: ANN401  # click's
    """Make a family of compressed variants, vet each, and print how far each is from the reference.

    Variants that an earlier study in the same folder made of the same things are not made again, so that a study that
    was stopped goes on where it was. Exit code 0 if every variant was measured, lacked something that nobody gave, or
    cannot be made of this model; 3 if one failed otherwise, or none was measured; 2 for a mistake in the command.

    \b
        vetgate study compress --reference base.pt --data eval/ --train-data train/ --yardstick base.yardstick
        vetgate study compress --reference base.pt --data eval/ --only 'prune-*' --variant prune-l1:rate=0.6+float16
    """
    from vetgate.cli.outlook import warn_of_few
    from vetgate.cli.progress import progress
    from vetgate.gate import make_study
    from vetgate.host import find_plugins

    now = datetime.datetime.now(datetime.UTC)
    chart = options.pop("chart")
    if chart is not None:
        _require_chart(chart, drawn=not options["no_landscape"] and not listing)
    request = _request(options, listing=listing)
    host = find_plugins(request.run.disabled, request.run.prefer)
    if listing:
        _list(request, host)
        return 0
    if request.run.limit is not None:
        warn_of_few("the study", request.run.limit)
    with ExitStack() as holding:
        try:
            with progress(verbose=verbose) as watch:
                study = holding.enter_context(make_study(request, host, now=now, watch=watch))
        except KeyboardInterrupt:
            click.echo("\nhint: what was made stays; the same command goes on where this one stopped", err=True)
            raise
        return _deliver(study, Path(request.folder), chart, host)


@command.command("show")
@click.argument("place", metavar="DIR|study.json")
@click.option(
    "--format",
    "form",
    default=TABLE,
    show_default=True,
    metavar="NAME",
    help="study, study-markdown, study-json, study-svg or study-png.",
)
def show(place: str, form: str) -> None:
    """Print the deviation table of a study again; no model is needed.

    \b
        vetgate study show study/
        vetgate study show study/ --format study-markdown
    """
    from vetgate.gate import read_study
    from vetgate.host import find_plugins

    _print(read_study(place), form, find_plugins())


def _require_chart(chart: str, *, drawn: bool) -> None:
    """Make sure before anything is made that the landscape can go where --chart says.

    Raises:
        UsageError: It cannot.
    """
    from vetgate.cli.output import require_writable

    if Path(chart).suffix.lower() not in CHARTS:
        raise click.UsageError(f"--chart {chart}: the name must end in .svg or .png")
    if not drawn:
        raise click.UsageError("--chart goes with neither --no-landscape nor --list, for nothing is drawn")
    require_writable(Path(chart), "chart")


def _request(options: dict[str, Any], *, listing: bool) -> StudyRequest:
    """Return the study that flags, the configuration and variables ask for.

    Raises:
        UsageError: A value is malformed.
    """
    from vetgate.cli.settings import gather, to_request
    from vetgate.domain.request import StudyRequest

    own = ("train_data", "calibration_data", "donor", "donor_card", "initial", "variants")
    study = {name: options.pop(name) for name in own}
    only, skip, folder = _split(options.pop("only")), _split(options.pop("skip")), options.pop("output")
    settings, landscape = _settings(options.pop("settings")), not options.pop("no_landscape")
    judged = options["policy"] is not None
    found = gather(option.read_flags((), {**options, "cards": ()}), Path.cwd(), os.environ)
    if listing and found.reference is None:
        found = found.model_copy(update={"reference": "-"})
    run = to_request((), found, ("vetgate", *click.get_current_context().obj))
    return StudyRequest(
        run=run, folder=folder, judged=judged, only=only, skip=skip, settings=settings, landscape=landscape, **study
    )


def _split(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.strip() for text in texts for word in text.split(",") if word.strip())


def _settings(texts: Sequence[str]) -> dict[str, dict[str, Setting]]:
    """Return the settings that `distil.epochs=8` and the like give, by compressor."""
    from vetgate.gate import parse_value

    found: dict[str, dict[str, Setting]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        compressor, dot, name = key.partition(".")
        if not (equals and dot and compressor and name and value):
            raise click.UsageError(f"--set {text}: write STEP.NAME=VALUE, such as distil.epochs=8")
        found.setdefault(compressor, {})[name] = parse_value(value)
    return found


def _list(request: StudyRequest, host: Host) -> None:
    """Print every recipe with its steps and what it needs that this command does not give, and what can be set."""
    from vetgate.gate import list_recipes

    menu = list_recipes(request, host)
    plans = [(plan.name, plan.family, plan.steps, plan.lack or "can be made") for plan in menu.recipes]
    _columns([("RECIPE", "FAMILY", "STEPS", ""), *plans])
    if menu.settings:
        told = [(each.name, each.default or "-", each.allowed, each.help) for each in menu.settings]
        click.echo()
        _columns([("SETTING", "DEFAULT", "MAY BE", ""), *told])
        click.echo("\nWhat a recipe's steps say stays; --set gives what they do not say, --variant makes others.")


def _columns(rows: Sequence[tuple[str, str, str, str]]) -> None:
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        click.echo("  ".join((*cells, row[3])).rstrip())


def _deliver(study: Study, folder: Path, chart: str | None, host: Host) -> int:
    """Write everything into the study's folder, print the table, and return the exit code."""
    from vetgate.cli import exits
    from vetgate.cli.output import write_whole
    from vetgate.gate import is_complete, stale_files

    lost, written = [], []
    for path, name, document in _documents(study, folder, chart):
        try:
            write_whole(path, _draw(document, name, host))
            written.append(path)
        except Exception as error:  # a drawing of a stranger may raise anything; the others are still written
            lost.append(f"{path}: {getattr(error, 'message', None) or f'{type(error).__name__}: {error}'}")
    _print(study, TABLE, host)
    _sum_up(study, folder)
    for told in lost:
        streams.tell(f"error: not written: {told}")
    stale = stale_files(study, folder, written, (*DRAWINGS, *LANDSCAPES, REPORT))
    if stale:
        streams.tell(f"warning: {folder} also holds files of an earlier study: {', '.join(stale)}")
    return 0 if is_complete(study) and not lost else exits.INCONCLUSIVE


def _documents(study: Study, folder: Path, chart: str | None) -> Iterator[tuple[Path, str, Study | Landscape]]:
    from vetgate.deviation import deviations

    reported, measured = any(variant.report for variant in study.variants), bool(deviations(study).measured)
    for file, name in (*DRAWINGS.items(), (REPORT, "json")):
        there = reported if name == "json" else measured if Path(file).suffix in CHARTS else True
        if there:
            yield folder / file, name, study
    if study.landscape is not None:
        for file, name in LANDSCAPES.items():
            yield folder / file, name, study.landscape
        if chart is not None:
            yield Path(chart), CHARTS[Path(chart).suffix.lower()], study.landscape


def _draw(document: Study | Landscape, name: str, host: Host) -> bytes:
    """Return a document in one format.

    Raises:
        VetgateError: No plugin draws it, or its library is missing.
    """
    from vetgate.domain.errors import MissingExtra
    from vetgate.domain.study import Study
    from vetgate.gate import reports_of
    from vetgate.host import Kind

    reports = reports_of(document) if isinstance(document, Study) and name == "json" else None
    offer = host.offer(Kind.REPORTER if reports else Kind.DRAWING, name)
    if offer is None and isinstance(document, Study) and name == DRAWINGS["study.json"]:
        return document.model_dump_json(indent=2).encode()  # what others are made from is written without any plugin
    if offer is None:
        raise MissingExtra(f"no plugin draws {name}", hint="vetgate plugins shows what is out of order")
    offer.require()
    content = offer.spec.factory().render(reports) if reports else offer.spec.factory().draw(document)
    return content if isinstance(content, bytes) else content.encode()


def _print(study: Study, form: str, host: Host) -> None:
    """Print a study on stdout; its table as wide as the terminal."""
    from vetgate.cli.drawn import fitted
    from vetgate.documents import suggest
    from vetgate.domain.errors import UsageError
    from vetgate.domain.specs import StyledDrawing
    from vetgate.domain.study import Study
    from vetgate.host import Kind

    offers = host.offers.get(Kind.DRAWING, {})
    known = sorted(name for name, offer in offers.items() if offer.spec.document is Study)
    offer = host.offer(Kind.DRAWING, form)
    if offer is None or form not in known:
        raise UsageError(f"unknown format {form!r}{suggest(form, known)} (known: {', '.join(known) or 'none'})")
    offer.require()
    drawing = offer.spec.factory()
    if isinstance(drawing, StyledDrawing):
        drawing = fitted(drawing, usual=160, fewest=80, most=200)
    content = drawing.draw(study)
    streams.put(content)


def _sum_up(study: Study, folder: Path) -> None:
    """Say on stderr what was made, what was there already, and why the rest was not."""
    there = [variant for variant in study.variants if variant.file is not None]
    reused = sum(variant.reused for variant in there)
    told = f"{folder}: {len(there) - reused} variants made, {reused} of an earlier study reused"
    skipped = [variant for variant in study.variants if variant.skipped]
    refused = [variant for variant in study.variants if variant.refused]
    wrong = [each for each in study.variants if each.problem and not each.skipped and not each.refused]
    impossible = f", {len(refused)} cannot be made of this model" if refused else ""
    click.echo(f"{told}, {len(skipped)} skipped{impossible}, {len(wrong)} not made or not measured", err=True)
