"""The `vetgate` command and its sub-commands, loaded when they are called."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import click

from vetgate.cli.exits import guarded

COMMANDS = {
    "check": "Vet candidates against their reference and judge a policy.",
    "baseline": "Make a saved report the baseline, or show how one came to be it.",
    "rank": "Rank candidates by accuracy, time and size; judges nothing.",
    "yardstick": "Build or show a yardstick of independently trained models.",
    "landscape": "Draw models as points, near where they answer alike.",
    "explain": "Show what candidates lost against their reference, and where; judges nothing.",
    "study": "Make compressed variants of a model and see where it breaks.",
    "verify": "Hold a signed verdict against a model before it is rolled out.",
    "keygen": "Make a pair of keys to sign verdicts with.",
    "judge": "Judge a saved report by another policy; runs no model.",
    "diff": "Compare two saved reports: what got better, worse, new and gone.",
    "scan": "Read model files for what could harm who opens them; opens none.",
    "inspect": "Show what a model file holds and what it would be fed.",
    "policy": "List, show, lint and start policies.",
    "plugins": "Show what was found, its status, and what a missing one needs.",
    "cache": "Show, limit or clear the cache of predictions, features and trained parts.",
}


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own and are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a new user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"vetgate.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list from the summaries above, importing no command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"vetgate {version('vetgate')}")
        context.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 pass or warn, 1 fail, 2 usage, 3 inconclusive, 4 a bug in vetgate, 130 interrupted.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def app() -> None:
    """Vet compressed vision models before they are rolled out.

    \b
        vetgate check candidate.onnx --reference base.pt --data eval/ --policy edge
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit code.
    """
    return guarded(app, arguments)
