"""Every command that a page shows is one that the program takes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.docs.doc_blocks import ROOT, Block, blocks, command_lines, inline_commands, pages, shell_texts
from vetgate.cli.app import app
from vetgate.cli.settings import Settings

VARIABLE = re.compile(r"(?<!secrets\.)\bVETGATE_[A-Z_]+[A-Z]\b")
CALLS = [
    pytest.param(block, call, id=f"{block}: {' '.join(call)[:60]}")
    for page in pages()
    for block in blocks(page)
    for text in shell_texts(block)
    for call in command_lines(text)
    if block.mark != "not a command"
]
INLINE = [pytest.param(text, id=f"{page.name}: {text}") for page in pages() for text in inline_commands(page)]


def _refusal(arguments: list[str]) -> str:
    """Return why the program would not take a command line; empty where it would. Nothing runs."""
    command: click.Command = app
    context = click.Context(app, info_name="vetgate")
    rest = arguments
    try:
        while isinstance(command, click.Group):
            given, rest, _ = command.make_parser(context).parse_args(list(rest))
            _convert(command, context, given)
            if not rest:
                return "" if given or command.invoke_without_command else f"{command.name} needs a command"
            name, found, rest = command.resolve_command(context, rest)
            assert found is not None
            command, context = found, click.Context(found, info_name=name, parent=context)
        given, surplus, _ = command.make_parser(context).parse_args(list(rest))
        _convert(command, context, given)
    except click.ClickException as error:
        return error.format_message()
    return f"surplus {surplus}" if surplus else ""


def _convert(command: click.Command, context: click.Context, given: dict[str, object]) -> None:
    for parameter in command.params:
        value = given.get(parameter.name or "")
        named = isinstance(value, str | tuple | list) and len(value) > 0
        if parameter.required and not named and "help" not in given and "version" not in given:
            raise click.MissingParameter(ctx=context, param=parameter)
        if named and not any(sign in str(value) for sign in ("$", "...")):
            parameter.type_cast_value(context, value)


@pytest.mark.parametrize(("block", "call"), CALLS)
def test_the_program_takes_what_a_page_shows(block: Block, call: list[str]) -> None:
    assert _refusal(call) == "", f"{block}: vetgate {' '.join(call)}"


@pytest.mark.parametrize("text", INLINE)
def test_the_program_takes_what_a_page_names_within_a_line(text: str) -> None:
    for call in command_lines(text):
        if not call[0].isupper():  # `vetgate COMMAND --help`
            told = _refusal(call)
            assert not told or told.startswith("Missing ") or told.endswith(" needs a command"), f"{text}: {told}"


def test_mistakes_in_a_page_would_be_found() -> None:
    wrong = {
        "vetgate chekc a.onnx": "No such command 'chekc'",
        "cd x && vetgate check a.onnx --polcy edge": "No such option '--polcy'",
        "$ vetgate scan a --halt-at hihg": "'hihg' is not one of",
        "X=1 vetgate check --policy edge": "Missing argument",
        "vetgate check a.onnx --limit many": "'many' is not a valid integer",
        "vetgate cache clear now | head": "surplus ['now']",
        "vetgate policy": "policy needs a command",
    }
    for line, told in wrong.items():
        block = Block(ROOT / "x.md", 1, "console", "", f"{line}\n")
        (call,) = command_lines(shell_texts(block)[0])
        assert told in _refusal(call), line


def test_pages_show_commands_at_all() -> None:
    assert len(CALLS) > 80
    assert len(INLINE) > 30


def test_pages_name_variables_that_are_read() -> None:
    known = {f"VETGATE_{name.upper()}" for name in Settings.model_fields}
    known |= set(VARIABLE.findall("".join(file.read_text(encoding="utf-8") for file in _readers())))
    for page in pages():
        named = set(VARIABLE.findall(page.read_text(encoding="utf-8")))
        assert named <= known, f"{page.name}: {sorted(named - known)}"


def _readers() -> Iterator[Path]:
    """Yield what reads variables elsewhere than in the settings: code, the action, CI."""
    for folder, kind in (
        ("vetgate", "*.py"),
        ("plugins", "*.py"),
        (".github", "*.y*ml"),
        (".ci", "*"),
        ("tests", "*.py"),
    ):
        yield from (file for file in sorted((ROOT / folder).rglob(kind)) if file.is_file())


def _commands(command: click.Command, parent: click.Context | None, name: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(command, info_name=name, parent=parent)
    yield context.command_path, command
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from _commands(found, context, below)


EVERY = list(_commands(app, None, "vetgate"))


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[path for path, _ in EVERY])
def test_every_command_tells_what_it_does_with_an_example_and_every_option_what_it_means(
    path: str, command: click.Command
) -> None:
    told = inspect.cleandoc(command.help or "")
    assert told.partition("\n")[0].endswith((".", ":", ",")) or told, path
    examples = [line.strip() for line in told.splitlines() if line.startswith("    vetgate ")]
    assert any(example.startswith(f"{path} ") or example == path for example in examples), f"{path} has no example"
    for example in examples:
        (call,) = command_lines(example)
        assert _refusal(call) == "", example
    lacking = [option.opts[0] for option in command.params if isinstance(option, click.Option) and not option.help]
    assert not lacking, f"{path}: no help for {', '.join(lacking)}"
