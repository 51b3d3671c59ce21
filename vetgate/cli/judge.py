"""`vetgate judge`."""

from __future__ import annotations

import datetime
from pathlib import Path

import click


@click.command("judge", short_help="Judge a saved report by another policy; runs no model.")
@click.argument("report", metavar="REPORT.json")
@click.option("--policy", required=True, metavar="NAME|FILE", help="The policy to judge by.")
@click.option("--report", "reports", multiple=True, metavar="FORMAT[=PATH]", help="Also write a report.")
@click.option("--output-dir", metavar="DIR", help="Where reports without a path go.  [default: .]")
@click.option("--strict", is_flag=True, help="A warning counts as fail.")
def command(report: str, policy: str, reports: tuple[str, ...], output_dir: str | None, strict: bool) -> int:
    """Judge a saved REPORT.json by another policy; runs no model.

    A rule whose figure, slice or level the report does not hold is inconclusive: run check again.

    \b
        vetgate judge report.json --policy strict
    """
    from vetgate.cli.output import choose, deliver
    from vetgate.gate import read_reports, rejudge
    from vetgate.host import find_plugins
    from vetgate.policy import load

    host = find_plugins()
    loaded = load(policy, host.policies(), host.metrics())
    targets = choose(reports, output_dir, host, spare=(report, policy))
    saved = read_reports(Path(report), "report").reports
    judged = rejudge(saved, loaded, host, datetime.datetime.now(datetime.UTC).date())
    return deliver(judged, targets, strict=strict)
