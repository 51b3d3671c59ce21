"""`vetgate rank`."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vetgate.cli import option, streams

if TYPE_CHECKING:
    from vetgate.cli.output import Target
    from vetgate.cli.settings import Settings
    from vetgate.domain.report import ReportSet
    from vetgate.host import Host

TABLE = "ranking"
CHARTS = {".svg": "bubble", ".png": "bubble-png"}
"""Report format by the suffix of --chart."""
NOT_JUDGED = ("strict", "baseline", "sequential", "yardstick", "layers")
"""What a configuration may set for check, and a ranking has no use for."""


@click.command("rank", short_help="Rank candidates by accuracy, time and size; judges nothing.")
@click.argument("candidates", nargs=-1, required=True, metavar="CANDIDATE...")
@click.option("--reference", metavar="MODEL", help="The original model that candidates were made from.")
@click.option("--data", metavar="PATH", help="Labelled images: a folder, zip, npz, IDX, CIFAR, parquet or CSV file.")
@click.option("--chart", metavar="FILE", help="Also write the bubble chart, to a .svg or a .png file.")
@option.reports_and_cards
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Use N images, drawn at random by --seed.")
@option.drawing_and_running
@click.option(
    "--timing-budget", type=float, metavar="SECONDS", help="Longest time to time one pair of models.  [default: 20]"
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of predictions.")
@option.limits
@option.plugins_and_progress
def command(candidates: tuple[str, ...], chart: str | None, verbose: bool, **options: Any) -> int:  # noqa: ANN401
    """Measure CANDIDATEs and their reference and rank them by OpScore; no policy is asked.

    Exit code 0 if all were measured, 3 if some could not be, 2 for a mistake in the command.

    \b
        vetgate rank *.onnx --reference base.pt --data eval/ --chart chart.svg
    """
    from vetgate.cli.progress import progress
    from vetgate.cli.settings import gather, to_request
    from vetgate.gate import measure_all
    from vetgate.host import find_plugins

    now = datetime.datetime.now(datetime.UTC)
    wanted = options.pop("reports")
    settings = gather(option.read_flags(candidates, options), Path.cwd(), os.environ)
    settings = settings.model_copy(update={**dict.fromkeys(NOT_JUDGED), "gallery": 0})
    request = to_request(candidates, settings, ("vetgate", *click.get_current_context().obj))
    host = find_plugins(request.disabled, request.prefer)
    targets = _targets(wanted, chart, settings, host, request.files)
    with progress(verbose=verbose) as watch:
        reports = measure_all(request, host, now=now, watch=watch)
    return _deliver(reports, targets)


def _targets(
    wanted: tuple[str, ...], chart: str | None, settings: Settings, host: Host, spare: tuple[str, ...]
) -> list[Target]:
    """Return where the table, the chart and the reports go; the table goes to stdout unless a report does."""
    from vetgate.cli.output import choose

    texts = list(wanted)
    if chart is not None:
        form = CHARTS.get(Path(chart).suffix.lower())
        if form is None:
            raise click.UsageError(f"--chart {chart}: the name must end in .svg or .png")
        texts.append(f"{form}={chart}")
    if not any(text.endswith("=-") or text in ("terminal", TABLE) for text in wanted):
        texts.insert(0, f"{TABLE}=-")
    return choose([f"{text}=-" if text == TABLE else text for text in texts], settings.output_dir, host, spare=spare)


def _deliver(reports: ReportSet, targets: list[Target]) -> int:
    """Write every report and return the exit code."""
    from vetgate.cli import exits
    from vetgate.cli.output import write_all
    from vetgate.domain.errors import Inconclusive, UsageError
    from vetgate.ranking import rank

    try:
        code = exits.INCONCLUSIVE if rank(reports).unranked else 0
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        write_all(reports, targets)
    except Inconclusive as error:
        streams.tell(f"error: {error.message}")
        return exits.INCONCLUSIVE
    return code
