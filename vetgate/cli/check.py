"""`vetgate check`."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vetgate.cli.settings import Settings


@click.command("check", short_help="Vet candidates against their reference and judge a policy.")
@click.argument("candidates", nargs=-1, required=True, metavar="CANDIDATE...")
@click.option("--reference", metavar="MODEL", help="The original model that candidates were made from.")
@click.option("--data", metavar="PATH", help="Images: a folder, zip, npz, IDX, CIFAR, parquet or CSV file.")
@click.option("--policy", metavar="NAME|FILE", help="What a candidate must keep.  [default: edge]")
@click.option(
    "--report", "reports", multiple=True, metavar="FORMAT[=PATH]", help="Also write a report; may be given again."
)
@click.option("--output-dir", metavar="DIR", help="Where reports without a path go.  [default: .]")
@click.option(
    "--card", "cards", multiple=True, metavar="[CANDIDATE=]FILE", help="Card of a candidate; may be given again."
)
@click.option("--reference-card", metavar="FILE", help="Card of the reference.")
@click.option(
    "--architecture",
    metavar="SPEC",
    help="For files that hold only weights: FILE.py:CALLABLE, MODULE:CALLABLE, torchvision/NAME or timm/NAME.",
)
@click.option("--plan", is_flag=True, help="Show what would run and what is missing; open no model.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Use N images, drawn at random by --seed.")
@click.option(
    "--sequential",
    is_flag=True,
    default=None,
    help="Take images in random order and stop as soon as the verdict is settled.",
)
@click.option("--seed", type=int, metavar="N", help="Seed of every random choice.  [default: 0]")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Threads a model.  [default: half the cores]")
@click.option(
    "--batch-size", type=click.IntRange(1), metavar="N", help="Images at a time.  [default: by image size, 64 at most]"
)
@click.option("--baseline", metavar="REPORT.json", help="Saved report that rules `versus: baseline` compare with.")
@click.option(
    "--latency-reference", metavar="MODEL", help="Build of the reference that ships; it is timed in its place."
)
@click.option("--latency-reference-card", metavar="FILE", help="Card of that build.  [default: the reference's]")
@click.option(
    "--timing-budget", type=float, metavar="SECONDS", help="Longest time to time one pair of models.  [default: 20]"
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of predictions.")
@click.option("--strict", is_flag=True, default=None, help="A warning counts as fail.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Longest wait for a model's answer.  [default: 300]")
@click.option("--memory-limit", metavar="SIZE", help="Memory of each model's process, such as 4GB.")
@click.option(
    "--max-unreadable",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Share of images that may be unreadable.  [default: 0]",
)
@click.option("--disable", multiple=True, metavar="PLUGIN", help="Do not load a plugin; may be given again.")
@click.option(
    "--prefer", multiple=True, metavar="NAME=PLUGIN", help="Who wins a name that two plugins claim; may be given again."
)
@click.option("--verbose", is_flag=True, help="Print each step on stderr.")
def command(candidates: tuple[str, ...], plan: bool, verbose: bool, **options: Any) -> int:  # noqa: ANN401  # click's
    """Vet CANDIDATEs against their reference and judge a policy.

    What flags do not give comes from vetgate.yaml or [tool.vetgate] in the nearest pyproject.toml, then from VETGATE_*
    variables.

    \b
        vetgate check int8.onnx --reference base.pt --data eval/
        vetgate check *.onnx --reference base.pt --policy strict --report json=out/report.json
    """
    from vetgate.cli.output import choose, deliver
    from vetgate.cli.progress import progress
    from vetgate.cli.settings import gather, to_request
    from vetgate.gate import foresee, vet
    from vetgate.host import find_plugins

    now = datetime.datetime.now(datetime.UTC)
    settings = gather(_flags(candidates, options), Path.cwd(), os.environ)
    request = to_request(candidates, settings, ("vetgate", *click.get_current_context().obj))
    host = find_plugins(request.disabled, request.prefer)
    if plan:
        from vetgate.cli.outlook import show

        show(foresee(request, host, now=now))
        return 0
    targets = choose(settings.reports or (), settings.output_dir, host, spare=request.files)
    with progress(verbose=verbose) as watch:
        reports = vet(request, host, now=now, watch=watch)
    return deliver(reports, targets, strict=bool(settings.strict))


def _flags(candidates: tuple[str, ...], options: dict[str, Any]) -> Settings:
    """Return the settings that flags give."""
    from vetgate.cli.settings import from_flags

    card, cards = _cards(candidates, options.pop("cards"))
    cache = False if options.pop("no_cache") else None
    prefer = dict(_split(text, "--prefer NAME=PLUGIN") for text in options.pop("prefer"))
    given = {name: value for name, value in options.items() if value not in (None, ())}
    return from_flags({"card": card, "cards": cards or None, "cache": cache, "prefer": prefer or None, **given})


def _cards(candidates: tuple[str, ...], texts: tuple[str, ...]) -> tuple[str | None, dict[str, str]]:
    """Return the card for all candidates, if one is given, and the cards of single ones."""
    every, single = None, {}
    for text in texts:
        named = [candidate for candidate in candidates if text.startswith(f"{candidate}=")]
        if named:
            model = max(named, key=len)
            single[model] = text[len(model) + 1 :]
        elif "=" in text and not Path(text).exists():
            raise click.UsageError(f"--card {text}: {text.rpartition('=')[0]} is no candidate of this command")
        else:
            every = text
    return every, single


def _split(text: str, usage: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise click.UsageError(f"{text!r} is not of the form {usage}")
    return name, value
