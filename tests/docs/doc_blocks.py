"""The documentation as tests read it: its pages, their blocks of code, and the command lines in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
SHELL = ("sh", "bash", "console")
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w.+-]*)[^`\n]*$")
_MARK = re.compile(r"^\s*<!-- (?P<mark>[^>]*?) -->\s*$")
_ENDS = ("&&", "||", "|", ";", "&", ";;", "(", ")")


def pages() -> list[Path]:
    """Return every page whose commands people copy."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")]
    found += [ROOT / "plugins" / "README.md", *ROOT.glob("benchmarks/*/README.md"), *ROOT.glob("examples/*/README.md")]
    return sorted(path for path in found if path.name != "CHANGELOG.md")


@dataclass(frozen=True)
class Block:
    """A fenced block of code, or a run of indented lines that begins a command."""

    page: Path
    line: int
    language: str
    """Empty for a fence without one and for indented lines."""
    mark: str
    """Of the HTML comment before it: `run: exit 1`."""
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    return list(_blocks(page, page.read_text(encoding="utf-8").splitlines()))


def _blocks(page: Path, lines: Sequence[str]) -> Iterator[Block]:
    at, mark = 0, ""
    while at < len(lines):
        fence, marked = _FENCE.match(lines[at]), _MARK.match(lines[at])
        if fence is not None:
            end = _end_of(lines, at, fence["ticks"])
            text = "\n".join(line.removeprefix(fence["indent"]) for line in lines[at + 1 : end]) + "\n"
            yield Block(page, at + 1, fence["language"], mark, text)
            at, mark = end, ""
        elif re.match(r"^ {4,}(\$ )?vetgate ", lines[at]):
            end = next((n for n in range(at, len(lines)) if not lines[n].startswith("    ")), len(lines))
            yield Block(page, at + 1, "", mark, "\n".join(line.strip() for line in lines[at:end]) + "\n")
            at, mark = end - 1, ""
        elif marked is not None:
            mark = marked["mark"]
        elif lines[at].strip():
            mark = ""
        at += 1


def _end_of(lines: Sequence[str], start: int, ticks: str) -> int:
    """Return the line that closes a fence."""
    return next((n for n in range(start + 1, len(lines)) if lines[n].strip() == ticks), len(lines))


def inline_commands(page: Path) -> list[str]:
    """Return the commands with arguments that a page names within a line, as in the cells of a table."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [code.replace("\\|", "|") for code in re.findall(r"`(vetgate [^`\n]+)`", text)]


def script(block: Block) -> str:
    """Return what a shell would be given: where lines have prompts, those lines and what goes on after a backslash."""
    if not re.search(r"^\$ ", block.text, re.MULTILINE):
        return block.text
    kept, goes_on = list[str](), False
    for line in block.text.splitlines():
        if goes_on or line.startswith("$ "):
            kept.append(line if goes_on else line.removeprefix("$ "))
            goes_on = line.endswith("\\")
    return "\n".join(kept) + "\n"


def command_lines(text: str) -> list[list[str]]:
    """Return the arguments of every `vetgate` that a shell script calls, without the program's name."""
    found: list[list[str]] = []
    for line in text.replace("\\\n", " ").splitlines():
        found += _calls(_words(line))
    return found


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>")
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:  # a quote that the next lines close: a script within a script
        return []


def _calls(words: Sequence[str]) -> Iterator[list[str]]:
    call: list[str] = []
    for word in [*words, ";"]:
        if word not in _ENDS:
            call.append(word)
            continue
        while call and re.fullmatch(r"[A-Za-z_]\w*=.*", call[0]):
            call = call[1:]
        if call[:2] == ["docker", "run"] and "vetgate" in call:
            call = call[call.index("vetgate") :]
        if call and call[0].rpartition("/")[2] == "vetgate":
            yield _without_redirections(call[1:])
        call = []


def _without_redirections(call: Sequence[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in call:
        if skip or set(word) <= set("<>"):
            skip = not skip
        else:
            kept.append(word)
    return kept


def shell_texts(block: Block) -> list[str]:
    """Return what of a block a shell would run: itself, or the `run:` and `script:` of a CI file."""
    if block.language in SHELL or not block.language:
        return [script(block)]
    if block.language in ("yaml", "yml"):
        return list(_steps(yaml.safe_load(block.text)))
    return []


def _steps(data: object) -> Iterator[str]:
    if isinstance(data, list):
        for item in data:
            yield from _steps(item)
    elif isinstance(data, dict):
        for key, value in data.items():
            if key in ("run", "script", "before_script", "entry"):
                yield from value if isinstance(value, list) else [str(value)]
            else:
                yield from _steps(value)
