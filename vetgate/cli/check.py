"""`vetgate check`."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import click

from vetgate.cli import option


@click.command("check", short_help="Vet candidates against their reference and judge a policy.")
@click.argument("candidates", nargs=-1, required=True, metavar="CANDIDATE...")
@click.option("--reference", metavar="MODEL", help="The original model that candidates were made from.")
@click.option("--data", metavar="PATH", help="Images: a folder, zip, npz, IDX, CIFAR, parquet or CSV file.")
@click.option("--policy", metavar="NAME|FILE", help="What a candidate must keep.  [default: edge]")
@option.reports_and_cards
@click.option("--plan", is_flag=True, help="Show what would run and what is missing; open no model.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Use N images, drawn at random by --seed.")
@click.option(
    "--sequential",
    is_flag=True,
    default=None,
    help="Take images in random order and stop as soon as the verdict is settled.",
)
@option.drawing_and_running
@click.option("--baseline", metavar="REPORT.json", help="Saved report that rules `versus: baseline` compare with.")
@click.option("--yardstick", metavar="FILE", help="Answers of independent models, for similarity.independence.")
@click.option(
    "--layers", is_flag=True, default=None, help="Also compare the two models' inner tensors, layer by layer."
)
@option.train_data
@option.calibration_data
@option.concepts
@click.option(
    "--latency-reference", metavar="MODEL", help="Build of the reference that ships; it is timed in its place."
)
@click.option("--latency-reference-card", metavar="FILE", help="Card of that build.  [default: the reference's]")
@click.option(
    "--latency-reference-execution",
    multiple=True,
    metavar="NAME=VALUE",
    help="How that build is run; see --execution.",
)
@click.option(
    "--serve", metavar="NAME", help="Load candidates into a server of its own, such as triton, and vet its answers."
)
@click.option(
    "--timing-budget", type=float, metavar="SECONDS", help="Longest time to time one pair of models.  [default: 20]"
)
@click.option(
    "--gallery",
    type=click.IntRange(0, 200),
    metavar="N",
    help="Most images in the reports that only the reference has right; 0 for none.  [default: 24]",
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of predictions.")
@click.option("--strict", is_flag=True, default=None, help="A warning counts as fail.")
@click.option(
    "--attest", metavar="KEY", help="Sign each verdict, of whatever kind, with this private key, or with `sigstore`."
)
@click.option(
    "--attest-to", metavar="PATH", help="Where it goes, or a folder.  [default: CANDIDATE.intoto.jsonl in --output-dir]"
)
@click.option(
    "--attest-certificate", metavar="CHAIN", help="Certificate of that key, then those between it and the root."
)
@click.option(
    "--publish",
    multiple=True,
    metavar="NAME[:KEY=VALUE,...]",
    help="Publish the results, such as to mlflow, once all is written; may be given again.",
)
@click.option(
    "--ci/--no-ci", default=None, help="Annotations and job summary where a CI service shows them.  [default: --ci]"
)
@option.limits
@option.plugins_and_progress
def command(candidates: tuple[str, ...], plan: bool, verbose: bool, **options: Any) -> int:  # noqa: ANN401  # click's
    """Vet CANDIDATEs against their reference and judge a policy.

    What flags do not give comes from vetgate.yaml or [tool.vetgate] in the nearest pyproject.toml, then from VETGATE_*
    variables.

    \b
        vetgate check int8.onnx --reference base.pt --data eval/
        vetgate check *.onnx --reference base.pt --policy strict --report json=out/report.json
    """
    from vetgate.cli.attest import choose_attester
    from vetgate.cli.output import choose, deliver
    from vetgate.cli.progress import progress
    from vetgate.cli.publish import choose_publishing
    from vetgate.cli.service import announce, find_service, quiet_log
    from vetgate.cli.settings import gather, to_request
    from vetgate.gate import foresee, vet
    from vetgate.host import find_plugins

    now = datetime.datetime.now(datetime.UTC)
    settings = gather(option.read_flags(candidates, options), Path.cwd(), os.environ)
    request = to_request(candidates, settings, ("vetgate", *click.get_current_context().obj))
    host = find_plugins(request.disabled, request.prefer)
    if plan:
        from vetgate.cli.outlook import show

        show(foresee(request, host, now=now))
        return 0
    targets = choose(settings.reports or (), settings.output_dir, host, spare=request.files)
    attester = choose_attester(settings, candidates, host, targets, request.files)
    publishing = choose_publishing(settings.publish or (), candidates, host, targets, settings.timeout)
    sign = attester.sign if attester is not None else None
    publish = publishing.publish if publishing is not None else None
    service = find_service(os.environ) if settings.ci is not False else None
    with quiet_log(service, targets):
        with progress(verbose=verbose) as watch:
            reports = vet(request, host, now=now, watch=watch)
        code = deliver(reports, targets, strict=bool(settings.strict), sign=sign, publish=publish)
    announce(service, reports, targets, host, os.environ)
    return code
