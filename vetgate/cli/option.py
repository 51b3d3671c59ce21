"""Flags that every command which runs models takes, and their settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from vetgate.cli.settings import Settings

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def _stack(*options: Callable[[CommandT], CommandT]) -> Callable[[CommandT], CommandT]:
    """Return one decorator for several, in the order of the help text."""

    def decorate(command: CommandT) -> CommandT:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


cards = _stack(
    click.option(
        "--card", "cards", multiple=True, metavar="[CANDIDATE=]FILE", help="Card of a candidate; may be given again."
    ),
    click.option("--reference-card", metavar="FILE", help="Card of the reference."),
    click.option(
        "--architecture",
        metavar="SPEC",
        help="For files that hold only weights: FILE.py:CALLABLE, MODULE:CALLABLE, torchvision/NAME or timm/NAME.",
    ),
)
"""How models are read."""
reports_and_cards = _stack(
    click.option(
        "--report", "reports", multiple=True, metavar="FORMAT[=PATH]", help="Also write a report; may be given again."
    ),
    click.option("--output-dir", metavar="DIR", help="Where reports without a path go.  [default: .]"),
    cards,
)
"""Where reports go, and how models are read."""
drawing_and_running = _stack(
    click.option(
        "--seed", type=int, metavar="N", help="Seed of random choices but the order of timed calls.  [default: 0]"
    ),
    click.option("--threads", type=click.IntRange(1), metavar="N", help="Threads a model.  [default: half the cores]"),
    click.option(
        "--batch-size",
        type=click.IntRange(1),
        metavar="N",
        help="Images at a time.  [default: by image size, 64 at most]",
    ),
    click.option(
        "--execution",
        multiple=True,
        metavar="NAME=VALUE",
        help="How candidates are run: runtime, provider, precision, threads, batch, fallback, options.NAME; over their "
        "cards; may be given again.",
    ),
    click.option(
        "--reference-execution", multiple=True, metavar="NAME=VALUE", help="The same of the reference; see --execution."
    ),
)
"""Random choices, and how models are run."""
train_data = click.option(
    "--train-data", metavar="PATH", help="Images to train what explains disparity on; none may be among --data."
)
calibration_data = click.option(
    "--calibration-data", metavar="PATH", help="Images candidates were calibrated on; copies among --data are counted."
)
concepts = click.option(
    "--concepts", metavar="FILE", help="COCO-style annotations of parts of the images, to name what was missed."
)
limits = _stack(
    click.option("--timeout", type=float, metavar="SECONDS", help="Longest wait for a model's answer.  [default: 300]"),
    click.option("--scan-timeout", type=float, metavar="SECONDS", help="Longest scan of a model.  [default: 60]"),
    click.option("--memory-limit", metavar="SIZE", help="Memory of each model's process, such as 4GB."),
    click.option(
        "--max-unreadable",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="Share of images that may be unreadable.  [default: 0]",
    ),
)
"""What each model's process may take, and how many images may be lost."""
plugins_and_progress = _stack(
    click.option("--disable", multiple=True, metavar="PLUGIN", help="Do not load a plugin; may be given again."),
    click.option(
        "--prefer",
        multiple=True,
        metavar="NAME=PLUGIN",
        help="Who wins a name that two plugins claim; may be given again.",
    ),
    click.option("--verbose", is_flag=True, help="Print each step on stderr."),
)
"""Which plugins take part, and what is told meanwhile."""


def read_flags(candidates: tuple[str, ...], options: dict[str, Any]) -> Settings:
    """Return the settings that flags give, of any command that runs models.

    Raises:
        UsageError: A value is malformed.
    """
    from vetgate.cli.execution import SETTINGS, read_execution
    from vetgate.cli.settings import from_flags

    card, single = read_cards(candidates, options.pop("cards"))
    for setting in SETTINGS:
        if options.get(setting):
            options[setting] = read_execution(options[setting], f"--{setting.replace('_', '-')}")
            _require_one_number(setting, options[setting], options.get("threads"))
    cache = False if options.pop("no_cache") else None
    prefer = dict(_split(text, "--prefer NAME=PLUGIN") for text in options.pop("prefer"))
    given = {name: value for name, value in options.items() if value not in (None, ())}
    return from_flags({"card": card, "cards": single or None, "cache": cache, "prefer": prefer or None, **given})


def _require_one_number(setting: str, asked: dict[str, object], threads: int | None) -> None:
    """Refuse two numbers of threads for one model.

    Raises:
        UsageError: They differ.
    """
    from vetgate.domain.errors import UsageError

    own = asked.get("threads")
    if threads is not None and own is not None and own != str(threads):
        flag = f"--{setting.replace('_', '-')}"
        raise UsageError(
            f"{flag} threads={own} and --threads {threads} disagree",
            hint="--threads is of every model; leave it out and say threads=N of each",
        )


def read_cards(candidates: tuple[str, ...], texts: tuple[str, ...]) -> tuple[str | None, dict[str, str]]:
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
