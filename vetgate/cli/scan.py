"""`vetgate scan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vetgate.cli import streams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vetgate.domain.evidence import Severity
    from vetgate.domain.scan import ScannedFile
    from vetgate.gate import Offered
    from vetgate.host import Host

SEVERITIES = ("info", "low", "medium", "high", "critical")


@click.command("scan", short_help="Read model files for what could harm who opens them; opens none.")
@click.argument("files", nargs=-1)
@click.option(
    "--format", "style", type=click.Choice(["text", "json", "markdown"]), help="markdown: of --rules.  [default: text]"
)
@click.option(
    "--halt-at", type=click.Choice(SEVERITIES), default="high", show_default=True, help="Least severity that exits 1."
)
@click.option("--rules", is_flag=True, help="List everything that scanners may find, instead of scanning.")
@click.option("--scan-timeout", type=float, metavar="SECONDS", help="Longest scan of a file.  [default: 60]")
@click.option("--disable", multiple=True, metavar="PLUGIN", help="Do not load a plugin; may be given again.")
def command(
    files: tuple[str, ...],
    style: str | None,
    halt_at: str,
    rules: bool,
    scan_timeout: float | None,
    disable: tuple[str, ...],
) -> int:
    """Scan FILES of any format in a child process each; nothing of them is opened, imported or run.

    Exits 0 where all are clean or have lesser findings alone, 1 where a finding is at or over --halt-at, and 3 where no
    scanner knows the format of a file or its scan failed.

    \b
        vetgate scan candidate.onnx checkpoint.pt
        vetgate scan --rules
    """
    import os

    from vetgate.cli.settings import from_flags, gather
    from vetgate.domain.errors import UsageError
    from vetgate.domain.evidence import Severity
    from vetgate.domain.request import Limits
    from vetgate.gate import scan_files
    from vetgate.host import find_plugins

    given = from_flags({"scan_timeout": scan_timeout, "disable": disable or None})
    settings = gather(given, Path.cwd(), os.environ)
    host = find_plugins(settings.disable or (), settings.prefer or {})
    if rules:
        return _rules(host, style or "text")
    if not files:
        raise UsageError("no file was named", hint="vetgate scan FILE...; --rules lists what may be found")
    if style == "markdown":
        raise UsageError("--format markdown is for --rules", hint="--format json")
    for trouble in host.troubles():
        streams.tell(f"warning: {trouble}")
    limits = Limits(scan_seconds=settings.scan_timeout or Limits().scan_seconds)
    scanned = []
    for file in scan_files(files, host, limits, lambda path: None, settings.bad_digests):
        scanned.append(file)
        if style != "json":
            _show(file)
    if style == "json":
        _write_json(scanned)
    return _exit_code(scanned, Severity[halt_at.upper()])


def _exit_code(scanned: Sequence[ScannedFile], halt_at: Severity) -> int:
    from vetgate.cli.exits import FAIL, INCONCLUSIVE

    if any(finding.severity >= halt_at for file in scanned for finding in file.scanned.findings):
        return FAIL
    return 0 if all(file.scanned.known for file in scanned) else INCONCLUSIVE


def _write_json(scanned: Sequence[ScannedFile]) -> None:
    from vetgate.domain.scan import ScanReport

    click.echo(ScanReport(files=tuple(scanned)).model_dump_json(indent=2))


def _show(file: ScannedFile) -> None:
    from vetgate.inference.process import on_one_line

    summary = file.scanned.summary
    click.echo(f"{on_one_line(file.name)}: {summary.state}")
    read = f"read by {', '.join(summary.scanners)}" if summary.scanners else "read by no scanner"
    click.echo(f"  {file.format or 'no format that a backend opens'}, {read} in {summary.seconds:.2g} s")
    for finding in file.scanned.findings:
        where = f" ({finding.location})" if finding.location else ""
        click.echo(f"  {finding.severity.name.lower():<8} {finding.rule}  {finding.message}{where}")
        if finding.advice:
            click.echo(f"  {'':<16} {finding.advice}")


def _rules(host: Host, style: str) -> int:
    from vetgate.gate import list_rules

    offered = list_rules(host)
    if style == "markdown":
        click.echo(rules_page(offered), nl=False)
    elif style == "json":
        _write_rules(offered)
    else:
        for each in offered:
            rule = each.rule
            click.echo(f"{rule.id}  {rule.severity.name.lower():<8}  {rule.title}  [{each.scanner}]")
            for name, text in (("why", rule.why), ("advice", rule.advice), ("source", rule.source)):
                if text:
                    click.echo(f"        {name:<7} {text}")
    return 0


def _write_rules(offered: Sequence[Offered]) -> None:
    import dataclasses
    import json

    records = [
        {**dataclasses.asdict(each.rule), "severity": each.rule.severity.name.lower(), "scanner": each.scanner}
        for each in offered
    ]
    click.echo(json.dumps(records, indent=2, ensure_ascii=False))


def rules_page(offered: Sequence[Offered]) -> str:
    """Return the page of all rules, in Markdown; `docs/scan-rules.md` is that of our own scanners."""
    rows = [
        f"| [{each.rule.id}](#{each.rule.id.lower()}) | {each.rule.severity.name.lower()} | {each.rule.title} |"
        for each in offered
    ]
    parts = [
        "# What the scan may find",
        "<!-- written by `vetgate scan --rules --format markdown`; edit the scanners' rules instead -->",
        "Before anything of a model is opened, every file that ships with it is read by scanners, in a child process. "
        "A finding at or over the policy's `findings: {halt_at: high}` fails the candidate, and no model is opened. "
        "A format that no scanner reads is `not scanned`, never clean.",
        "\n".join(["| rule | usual severity | what |", "|---|---|---|", *rows]),
        *map(_section, offered),
    ]
    return "\n\n".join(parts) + "\n"


def _section(offered: Offered) -> str:
    rule = offered.rule
    lines = [f"## {rule.id}", f"**{rule.title}** ({rule.severity.name.lower()}; found by {offered.scanner})"]
    lines += [rule.why, f"*What to do:* {rule.advice}"]
    lines += [f"*Source:* {rule.source}"] if rule.source else []
    return "\n\n".join(line for line in lines if line)
