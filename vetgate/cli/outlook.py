"""`vetgate check --plan`, as people read it."""

from __future__ import annotations

import click

from vetgate.gate import Outlook


def show(outlook: Outlook) -> None:
    """Print what would run, what is missing, and which rules cannot be settled."""
    images = "no images" if outlook.images is None else f"{outlook.images:,} images"
    labels = "" if outlook.images is None else " with labels" if outlook.labelled else " without labels"
    click.echo(f"plan: policy {outlook.policy.name}, {len(outlook.policy.rules)} rules, {images}{labels}\n")
    click.echo("rules")
    for rule in outlook.policy.rules:
        click.echo(f"  {rule.name}: {rule.words}")
    click.echo("\nchecks, in this order")
    for check in outlook.plan.checks:
        missing = f"  MISSING: {check.missing.message}" if check.missing else ""
        click.echo(f"  {check.spec.name} (on {check.spec.needs.value}): {check.spec.summary}{missing}")
    click.echo("\ninference")
    for model, count in outlook.cached.items():
        left = (outlook.images or 0) - count
        click.echo(f"  {model}: {count:,} answers in the cache, {left:,} images to run")
    _section("missing", [*outlook.plan.lacks, *outlook.problems])
    _section("rules that so few images cannot settle", [item.message for item in outlook.unsettled])


def _section(title: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{title}")
        for line in lines:
            click.echo(f"  {line}")
