"""`vetgate baseline`."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vetgate.gate.baseline import Baseline


@click.command("baseline", short_help="Make a saved report the baseline, or show how one came to be it.")
@click.argument("report", metavar="REPORT.json[#CANDIDATE]")
@click.option("--to", "target", metavar="BASELINE.json", help="The file that `check --baseline` reads.")
@click.option("--owner", metavar="WHO", help="Who answers for it.")
@click.option("--reason", metavar="WHY", help="Why this is what candidates must not fall behind.")
@click.option("--force", is_flag=True, help="Also where the report failed or was inconclusive; the history will tell.")
def command(report: str, target: str | None, owner: str | None, reason: str | None, force: bool) -> int:
    """Make a saved report the baseline, or show how one came to be it.

    Rules `versus: baseline` compare with the candidate of that report. Every report that does so shows who made it the
    baseline, when and why.

    \b
        vetgate baseline report.json --to baseline.json --owner edge-team --reason "release 2.1"
        vetgate check new.onnx --reference base.pt --baseline baseline.json
        vetgate baseline baseline.json
    """
    from vetgate.gate import load_baseline

    named = load_baseline(report)
    if target is None:
        given = [flag for flag, value in (("--owner", owner), ("--reason", reason), ("--force", force)) if value]
        if given:
            raise click.UsageError(f"{given[0]} is given, but no file to write: --to BASELINE.json")
        _show(named)
    else:
        _promote(named, target, _said(owner, "--owner WHO"), _said(reason, "--reason WHY"), force=force)
    return 0


def _promote(report: Baseline, target: str, owner: str, reason: str, *, force: bool) -> None:
    from vetgate.cli.output import write_whole
    from vetgate.domain.errors import UsageError
    from vetgate.gate import load_baseline, promote

    place = Path(target)
    if place.exists() and not place.is_file():
        raise UsageError(f"{target} is no regular file", hint="name a file: --to baseline.json")
    if os.path.realpath(target) == os.path.realpath(report.path):
        raise UsageError(f"{target} is the report itself", hint="name another file: --to baseline.json")
    former = load_baseline(target) if place.exists() else None
    now = datetime.datetime.now(datetime.UTC)
    content = promote(report, former, owner=owner, reason=reason, at=now, force=force)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None
    write_whole(place, f"{content.model_dump_json(indent=2)}\n".encode())
    _show(load_baseline(target))


def _said(text: str | None, flag: str) -> str:
    """Return what a flag says, on one line."""
    said = " ".join((text or "").split())
    if not said:
        raise click.UsageError(f"a baseline is named by somebody and for a reason: {flag} is missing")
    return said


def _show(baseline: Baseline) -> None:
    """Print which report is the baseline, and every one that was."""
    summary = baseline.summary
    digest = f", sha256 {summary.candidate_sha256[:12]}" if summary.candidate_sha256 else ""
    click.echo(f"{summary.name}: {summary.candidate}{digest}")
    click.echo(f"  {summary.decision.value} under policy {baseline.report.policy.name}, {summary.started.date()}")
    if not summary.promotions:
        click.echo("  never named a baseline; vetgate baseline REPORT.json --to FILE --owner WHO --reason WHY does")
    for act in reversed(summary.promotions):
        click.echo(f"  {act.at.date()}  {act.owner}: {act.reason}  (report {act.report_sha256[:12]})")
