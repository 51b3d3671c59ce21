"""`vetgate check --plan`, and what `policy lint --data` says of numbers, as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from vetgate.cli import streams

if TYPE_CHECKING:
    from vetgate.domain.deployment import Asked
    from vetgate.gate import Outlook
    from vetgate.policy import Size

MORE = "*"
"""Marks a number that is more than there are."""
UNKNOWN = "?"
"""Marks a number of images that nobody knows yet."""
EXECUTION = "execution, as cards and run ask (whether this machine has it shows when a model is opened)"
LEGEND = (
    "discordant: one model alone is right; half-way: a share half-way from its limit to the best it can be;\n"
    f"  {MORE}: more than there are; a rule with a slice: for each slice, and the smallest that there is"
)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 rule`, `2 rules`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def warn_of_few(what: str, images: int) -> None:
    """Say on stderr where something rests on fewer images than a yardstick takes."""
    from vetgate.yardstick import FEWEST_IMAGES

    if images < FEWEST_IMAGES:
        told = f"{what} rests on {counted(images, 'image')}, and takes {FEWEST_IMAGES} at least to say anything"
        streams.tell(f"warning: {told}")


def _safety(outlook: Outlook) -> Iterator[str]:
    """Yield what the policy requires of how models are scanned and shut in, and of what they are."""
    from vetgate.policy import safety_words

    for key, asked in (("scan", outlook.policy.scan), ("isolation", outlook.policy.isolation)):
        if asked == "required":
            yield f"{key}: {safety_words(key, asked)}"
    if outlook.policy.artifact == "file":
        yield "artifact: a model that is a service, which hands out no file, fails"


def show(outlook: Outlook) -> None:
    """Print what would run, what is missing, what each rule needs, and which rules cannot be settled."""
    images = "no images" if outlook.images is None else counted(outlook.images, "image")
    labels = "" if outlook.images is None else " with labels" if outlook.labelled else " without labels"
    click.echo(f"plan: policy {outlook.policy.name}, {counted(len(outlook.policy.rules), 'rule')}, {images}{labels}\n")
    click.echo("rules")
    for rule in outlook.policy.rules:
        click.echo(f"  {rule.name}: {rule.words}")
    for told in _safety(outlook):
        click.echo(f"  {told}")
    click.echo("\nchecks, in this order")
    for check in outlook.plan.checks:
        missing = f"  MISSING: {check.missing.message}" if check.missing else ""
        click.echo(f"  {check.spec.name} (on {check.spec.needs.value}): {check.spec.summary}{missing}")
    click.echo("\ninference")
    for model, count in outlook.cached:
        left = (outlook.images or 0) - count
        click.echo(f"  {model}: {counted(count, 'answer')} in the cache, {counted(left, 'image')} to run")
    _section(EXECUTION, (f"{name}: {_asked(told)}" for name, told in outlook.asked if told))
    if outlook.yardstick is not None:
        finals = sum(peer.final for peer in outlook.yardstick.peers)
        told = f"{finals} independent models on {counted(outlook.yardstick.images, 'image')}"
        click.echo(f"\nyardstick\n  {outlook.yardstick.name}: {told}, by {outlook.yardstick.distance.value}")
    _section("missing", [*outlook.plan.lacks, *outlook.problems])
    show_sizes(outlook.sizes, sequential=outlook.sequential)
    if outlook.plan.holding:
        rules = "rule" if len(outlook.plan.holding) == 1 else "rules"
        click.echo(f"\ncannot stop early because of {rules} {', '.join(outlook.plan.holding)}")


def _asked(told: Sequence[Asked]) -> str:
    """Return what is asked, and by whom: `provider XNNPACK (card), threads 2 (card, overruled), 4 (run)`."""
    from vetgate.wording.provenance import asked_words

    return ", ".join(f"{option} {asked_words(told, option)}" for option in dict.fromkeys(each.option for each in told))


def show_sizes(sizes: Sequence[Size], *, sequential: bool) -> None:
    """Print what each rule with a confidence needs, and which rules what there is cannot settle.

    Args:
        sizes: One for each rule with a confidence.
        sequential: Whether a run may stop early, so that the numbers are those on average until a decision.
    """
    images = [size for size in sizes if size.counts == "images"]
    pairs = [size for size in sizes if size.counts == "pairs"]
    if images:
        what = "images on average until a decision" if sequential else "images needed, with 80 % chance"
        click.echo(f"\n{what}, if the models ...")
        heads = ("rule", "never err or differ", "2 % discordant", "5 % discordant", "half-way", "there are", "")
        _table([heads, *(_images_row(size) for size in images)])
        click.echo(f"  {LEGEND}")
        if any(size.there is None for size in images):
            click.echo(f"  {UNKNOWN}: not known before images are opened, or no data set was given")
    if pairs:
        click.echo("\ntiming pairs needed, with 80 % chance, if on the good side of the limit lie ...")
        _table([("rule", "all pairs", "3 of 4", ""), *(_pairs_row(size) for size in pairs)])
    _section(
        "rules that these images cannot settle", [f"{size.rule}: {size.why_open}" for size in sizes if size.why_open]
    )


def _images_row(size: Size) -> tuple[str, ...]:
    discordant = (size.discordant or (None, None))[:2]
    there = UNKNOWN if size.there is None else f"{size.there:,}"
    mark = "CANNOT BE SETTLED" if size.why_open else size.note
    needed = (_count(count, size.there) for count in (size.identical, *discordant, size.halfway))
    return (size.rule, *needed, there, mark)


def _pairs_row(size: Size) -> tuple[str, ...]:
    return (size.rule, *(_count(count, None) for count in (size.discordant or (None, None))[:2]), size.note)


def _count(count: int | None, there: int | None) -> str:
    """Return a number, with a mark where it is more than there are."""
    if count is None:
        return "-"
    return f"{count:,}{MORE if there is not None and count > there else ''}"


def _table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns: the first and the last to the left, numbers to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for first, *numbers, last in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=False))]
        click.echo(f"  {'  '.join((*cells, last))}".rstrip())


def _section(title: str, lines: Iterable[str]) -> None:
    told = list(lines)
    if told:
        click.echo(f"\n{title}")
        for line in told:
            click.echo(f"  {line}")
