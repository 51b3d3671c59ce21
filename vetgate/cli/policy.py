"""`vetgate policy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vetgate.cli import exits

if TYPE_CHECKING:
    from vetgate.host import Host
    from vetgate.policy import SampleCounts

STUDY = "study.json"
"""The file that a study's folder holds."""
STARTER = """\
# What a candidate must keep. `vetgate policy lint {name}` checks it; `vetgate policy list --metrics` lists figures.
version: 1
name: {stem}
summary: Say here for whom this policy stands.
extends: edge
metrics:
  - metric: accuracy.top1
    of: delta                # candidate minus reference; also candidate (default), reference, ratio
    at_least: -1pp
    confidence: 95%          # pass only when a bound at this confidence holds; without it, the estimate decides
  # - {{metric: footprint.size_mb, of: ratio, at_most: 0.5, otherwise: warn}}
  # - {{metric: accuracy.top1, slice: each weather, fewest: 30, of: delta, at_least: -3pp, confidence: 95%}}
  # - {{metric: accuracy.top1, versus: baseline, at_least: -1pp, confidence: 95%}}
  # - {{metric: latency.p50, of: ratio, at_most: 1.1, confidence: 95%, same_runtime: required}}
findings:
  halt_at: high
# weights: {{opscore.inference: 0.7, opscore.training: 0.3}}
# waivers:
#   - {{rule: latency.p50/ratio, reason: why, owner: who, expires: 2027-03-31}}
"""


@click.group("policy", short_help="List, show, lint and start policies.")
def command() -> None:
    """List, show, lint and start policies.

    \b
        vetgate policy init camera.yaml
        vetgate policy lint camera.yaml --data eval/
    """


@command.command("list", short_help="List carried policies, or with --metrics all that a rule can bound.")
@click.option("--metrics", is_flag=True, help="List what a policy can ask for instead.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How metrics are printed.",
)
def list_all(metrics: bool, style: str) -> None:
    """List the policies that plugins carry, or with --metrics everything that a rule can bound.

    \b
        vetgate policy list
        vetgate policy list --metrics
    """
    from vetgate.domain.errors import UsageError
    from vetgate.host import find_plugins

    host = find_plugins()
    if metrics:
        from vetgate.cli.metrics import list_metrics

        list_metrics(host, style)
        return
    if style != "text":
        raise UsageError(f"--format {style} is for --metrics", hint=f"vetgate policy list --metrics --format {style}")
    policies = host.policies().values()
    width = max((len(spec.name) for spec in policies), default=0)
    for spec in policies:
        click.echo(f"{spec.name:<{width}} {spec.summary}")


@command.command("show", short_help="Show a policy as it is judged: merged, units resolved, rules in words.")
@click.argument("policy", metavar="NAME|FILE")
def show(policy: str) -> None:
    """Show a policy as it is judged: what it extends merged in, units resolved.

    \b
        vetgate policy show edge
    """
    from vetgate.host import find_plugins
    from vetgate.policy import load, render_policy

    host = find_plugins()
    click.echo(render_policy(load(policy, host.policies(), host.metrics()).policy))


@command.command("lint", short_help="Check policies: mistakes by file and line, and images that each rule needs.")
@click.argument("policies", nargs=-1, required=True, metavar="NAME|FILE...")
@click.option("--data", metavar="PATH", help="Also say what each rule needs of this data set.")
def lint(policies: tuple[str, ...], data: str | None) -> int:
    """Check policies: file, line and suggestion for every mistake, and the images that each rule needs.

    \b
        vetgate policy lint camera.yaml
        vetgate policy lint camera.yaml --data eval/
    """
    from vetgate.host import find_plugins

    host = find_plugins()
    counts = _counts(data, host) if data else None
    errors = sum(_lint(policy, host, counts) for policy in policies)
    return exits.USAGE if errors else 0


def _lint(policy: str, host: Host, counts: SampleCounts | None) -> int:
    """Tell what is wrong with one policy, and return how many errors it has."""
    import datetime

    from vetgate.cli.outlook import counted
    from vetgate.policy import lint as lint_policy

    today = datetime.datetime.now(datetime.UTC).date()
    told = lint_policy(policy, host.policies(), host.metrics(), today=today, counts=counts)
    for severity, mistake in told:
        click.echo(f"{severity}: {mistake}")
    errors = sum(severity == "error" for severity, _ in told)
    if not errors:
        _show_yardstick(policy, host)
    if counts is not None and not errors:
        _show_sizes(policy, host, counts)
    found = f"{counted(errors, 'error')}, {counted(len(told) - errors, 'warning')}" if told else "no mistakes"
    click.echo(f"{policy}: {found}")
    return errors


def _show_yardstick(policy: str, host: Host) -> None:
    """Say which rules need a file besides, for that is no mistake."""
    from vetgate.policy import load, needing_yardstick

    metrics = host.metrics()
    rules = needing_yardstick(load(policy, host.policies(), metrics).policy, metrics)
    if rules:
        need = "needs a yardstick and is" if len(rules) == 1 else "need a yardstick and are"
        click.echo(f"note: {', '.join(rules)} {need} inconclusive without: vetgate check --yardstick FILE")


def _show_sizes(policy: str, host: Host, counts: SampleCounts) -> None:
    from vetgate.cli.outlook import show_sizes
    from vetgate.policy import load, sizes

    loaded = load(policy, host.policies(), host.metrics())
    show_sizes(sizes(loaded.policy, host.metrics(), counts), sequential=False)
    click.echo()


def _counts(data: str, host: Host) -> SampleCounts:
    from vetgate.gate import count_images

    return count_images(data, host)


@command.command("schema")
def schema() -> None:
    """Print the JSON schema of policies, for editors.

    \b
        vetgate policy schema > policy.schema.json
    """
    import json

    from vetgate.host import find_plugins
    from vetgate.policy import schema as policy_schema

    click.echo(json.dumps(policy_schema(find_plugins().metrics()), indent=2, ensure_ascii=False))


@command.command("init")
@click.argument("file", default="policy.yaml", metavar="[FILE]")
@click.option(
    "--from-study",
    "study",
    metavar="STUDY.json|DIR",
    help="Propose thresholds from what `vetgate study compress` wrote, with the numbers that they came from.",
)
def init(file: str, study: str | None) -> None:
    """Write a policy to start from.

    With --from-study a threshold lies between the copies that stayed the reference's function and those that broke;
    where nothing parts them, none is proposed.

    \b
        vetgate policy init camera.yaml
        vetgate policy init camera.yaml --from-study study/
    """
    from vetgate.cli.output import write_whole
    from vetgate.domain.errors import UsageError

    path = Path(file)
    if path.exists():
        raise UsageError(f"{path} exists already and was left as it is", hint="name another file")
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} does not exist")
    text = STARTER.format(name=path.name, stem=path.stem) if study is None else _proposed(study, path.stem)
    write_whole(path, text.encode())
    click.echo(f"wrote {path}; next: vetgate policy lint {path}", err=True)


def _proposed(given: str, name: str) -> str:
    """Return the policy that a study proposes."""
    import datetime
    import hashlib

    from vetgate.gate import read_study
    from vetgate.host import find_plugins
    from vetgate.policy import Origin, propose

    study = read_study(given)
    file = Path(given) / STUDY if Path(given).is_dir() else Path(given)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    today = datetime.datetime.now(datetime.UTC).date()
    return propose(study, name, Origin(str(file), digest, today), find_plugins().metrics())
