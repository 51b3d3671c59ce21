"""Print the page of commands, from their help texts: `python .ci/command_reference.py > docs/commands.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import click

from vetgate.cli.app import app

HEAD = """\
# Commands

<!-- written by `python .ci/command_reference.py > docs/commands.md`; edit the help texts of the commands instead -->

The help texts of the program, all on one page; `vetgate COMMAND --help` prints one of them. What flags do not give
comes from [a configuration file or variables](configuration.md). [Exit codes](decisions.md#exit-codes) mean the same
for all commands."""
VERBATIM = "\b\n"
"""What click leaves as it stands: examples."""


def commands(command: click.Command, parent: click.Context | None, name: str) -> Iterator[tuple[str, click.Context]]:
    """Yield every command below one, and itself first, with its whole name."""
    context = click.Context(command, info_name=name, parent=parent)
    yield context.command_path, context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from commands(found, context, below)


def section(path: str, context: click.Context) -> str:
    """Return what the page says of one command."""
    usage = " ".join([path, *context.command.collect_usage_pieces(context)])
    level = "###" if context.parent is not None and context.parent.parent is not None else "##"
    parts = [f"{level} {path}", f"```text\n{usage}\n```", *paragraphs(context.command.help or "")]
    options = [param for param in context.command.params if isinstance(param, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context)) is not None]
    rows = [f"| `{cell(names)}` | {cell(told)} |" for names, told in records]
    return "\n\n".join(parts + (["\n".join(["| option | |", "|---|---|", *rows])] if rows else []))


def paragraphs(text: str) -> Iterator[str]:
    """Yield a help text's paragraphs as Markdown; examples become blocks of code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if not paragraph.startswith(VERBATIM):
            yield " ".join(paragraph.split())
            continue
        lines = paragraph.removeprefix(VERBATIM).splitlines()
        yield "\n".join(["```sh", *(line.strip() for line in lines), "```"])


def cell(text: str) -> str:
    """Return a text that cannot end the cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def page() -> str:
    """Return the whole page."""
    found = list(commands(app, None, "vetgate"))
    return "\n\n".join([HEAD, *(section(path, context) for path, context in found)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
