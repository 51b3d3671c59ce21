"""`vetgate explain`."""

from __future__ import annotations

import base64
import datetime
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vetgate.cli import option, streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vetgate.cli.output import Target
    from vetgate.domain.report import ReportSet
    from vetgate.host import Host

FORMATS = {"terminal": "explanation", "json": "json", "markdown": "explanation-markdown"}
"""Reporter by the name that the user types."""
STEM = "explanation"
"""Of the files in --output."""
NOT_ASKED = (
    *("policy", "strict", "baseline", "sequential", "yardstick", "layers", "reports", "output_dir"),
    *("latency_reference", "latency_reference_card", "latency_reference_execution", "serve", "timing_budget"),
)
"""What a configuration may set for check, and an explanation has no use for."""


@click.command("explain", short_help="Show what candidates lost against their reference, and where; judges nothing.")
@click.argument("candidates", nargs=-1, required=True, metavar="CANDIDATE...")
@click.option("--reference", metavar="MODEL", help="The original model that candidates were made from.")
@click.option("--data", metavar="PATH", help="Images; those that the reference alone gets right are explained.")
@option.train_data
@click.option(
    "--budget", metavar="SHARE", help="Size of the network that explains, over the reference's.  [default: 10%]"
)
@click.option("--budget-seconds", type=float, metavar="SECONDS", help="Longest time to fit it to one candidate.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), help="Where to train.  [default: auto]")
@click.option(
    "--variant",
    type=click.Choice(["residual", "paper"]),
    help="residual shows best where the loss is, paper recovers most.  [default: residual]",
)
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="Of fitting it to one candidate.  [default: 5]")
@click.option(
    "--subgraph-epochs",
    type=click.IntRange(1),
    metavar="N",
    help="Of fine-tuning the part of the reference in it, once for all candidates.  [default: 30, more of few images]",
)
@click.option("--folds", type=click.IntRange(2), metavar="N", help="Of cross-fitting.  [default: 2]")
@click.option("--feature-map", metavar="NAME", help="Inner tensor of the candidate.  [default: the last map]")
@option.concepts
@click.option(
    "--noise-floor", metavar="REPORT.json", help="Explanation of a retrained copy of the reference, to stand beside."
)
@click.option("--labeller", metavar="NAME", help="Who names missed parts; nobody is asked unless you name one.")
@click.option(
    "--labeller-set",
    "labeller_settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Its settings; may be given again.",
)
@click.option("--examples", type=click.IntRange(0, 100), metavar="N", help="Images to show.  [default: 12]")
@click.option(
    "--format",
    "formats",
    default="terminal",
    show_default=True,
    metavar="NAME,...",
    help="terminal, json and markdown.",
)
@click.option("--output", metavar="DIR", help="Where json, markdown and the example images go.")
@option.cards
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Use N images, drawn at random by --seed.")
@option.drawing_and_running
@click.option("--no-cache", is_flag=True, help="Keep nothing: neither predictions nor features nor what is trained.")
@option.limits
@option.plugins_and_progress
def command(candidates: tuple[str, ...], verbose: bool, formats: str, output: str | None, **options: Any) -> int:  # noqa: ANN401
    """Show what CANDIDATEs lost against their reference: which images, where in them, and what part that is.

    A small network is trained that gives each candidate what it lacks of the reference; where it looks is what the
    candidate misses. This is advice, and judges nothing. What is trained for the reference is kept, and serves all its
    candidates. Exit code 0 if every candidate was explained or too little was lost to explain, 3 if one could not be,
    2 for a mistake in the command.

    \b
        vetgate explain int8.onnx --reference base.pt --data eval/ --train-data train/
        vetgate explain *.onnx --reference base.pt --data eval/ --concepts parts.json --output out/ --format markdown
    """
    from vetgate.cli import exits
    from vetgate.cli.progress import progress
    from vetgate.cli.settings import gather, to_request
    from vetgate.gate import explain, is_explained
    from vetgate.host import find_plugins

    now = datetime.datetime.now(datetime.UTC)
    options["labeller_settings"] = _settings(options["labeller_settings"]) or None
    settings = gather(option.read_flags(candidates, options), Path.cwd(), os.environ)
    settings = settings.model_copy(update=dict.fromkeys(NOT_ASKED))
    request = to_request(candidates, settings, ("vetgate", *click.get_current_context().obj))
    host = find_plugins(request.disabled, request.prefer)
    targets = _targets(formats, output, host, request.files)
    with progress(verbose=verbose) as watch:
        reports = explain(request, host, now=now, watch=watch)
    code = 0 if all(is_explained(report, host) for report in reports.reports) else exits.INCONCLUSIVE
    return _deliver(reports, targets, output) or code


def _settings(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, _) in zip(texts, pairs, strict=True):
        if not name or not equals:
            raise click.UsageError(f"--labeller-set {text}: write KEY=VALUE")
    return {name: value for name, _, value in pairs}


def _targets(formats: str, output: str | None, host: Host, spare: Sequence[str]) -> list[Target]:
    """Return where each format goes, made sure that it can: terminal to stdout, others to files or alone to stdout."""
    from vetgate.cli.output import choose
    from vetgate.documents import suggest

    names = list(dict.fromkeys(name.strip() for name in formats.split(",") if name.strip()))
    for name in names:
        if name not in FORMATS:
            raise click.UsageError(f"--format {name}{suggest(name, list(FORMATS))}: known are {', '.join(FORMATS)}")
    if output is None and len(names) > 1:
        raise click.UsageError("several formats need --output DIR")
    if output is not None:
        try:
            Path(output).mkdir(parents=True, exist_ok=True)  # before the run, which may take long
        except OSError as error:
            raise click.UsageError(f"--output {output} cannot be made a folder: {error.strerror}") from None
    texts = []
    for name in names:
        suffix = {"json": ".json", "markdown": ".md"}.get(name)
        where = "-" if output is None or suffix is None else str(Path(output) / f"{STEM}{suffix}")
        texts.append(f"{FORMATS[name]}={where}")
    if "terminal" not in names and output is not None:
        texts.append(f"{FORMATS['terminal']}=-")
    return choose(texts, None, host, spare=spare)


def _deliver(reports: ReportSet, targets: Sequence[Target], output: str | None) -> int:
    """Write everything; return 0, or the exit code for what could not be written."""
    from vetgate.cli import exits
    from vetgate.cli.output import write_all, write_whole
    from vetgate.domain.errors import VetgateError

    try:
        write_all(reports, targets)
        for name, content in _pictures(reports) if output is not None else ():
            write_whole(Path(output or ".") / name, content)
    except VetgateError as error:
        streams.tell(f"error: {error.message}")
        return exits.INCONCLUSIVE
    return 0


def _pictures(reports: ReportSet) -> Iterator[tuple[str, bytes]]:
    """Yield the example images as files."""
    from vetgate.domain.exhibit import Picture
    from vetgate.domain.source import stem_of

    for place, report in enumerate(reports.reports, start=1):
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem_of(report.candidate.name)) or "candidate"
        pictures = [each for item in report.evidence for each in item.exhibits if isinstance(each, Picture)]
        for number, picture in enumerate(pictures, start=1):
            suffix = ".svg" if picture.media_type == "image/svg+xml" else ".png"
            yield f"{place}-{stem}-{number:02}{suffix}", base64.b64decode(picture.base64)
