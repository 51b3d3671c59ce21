"""Untrusted text in GitHub-flavoured Markdown: shown as it is, without a word that means anything to Markdown.

Numeric entities are never structure (CommonMark 0.31, section 2.5), and need no rule about where a backslash counts:
inside table cells, links and HTML they read the same.
"""

from __future__ import annotations

import re

from vetgate.wording.text import name, sentence

_STRUCTURE = re.compile(r"[&<>|\\`*~\[\]$#@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\.|(?<=WWW)\.")
_SIMPLE = re.compile(r"[\w.,:/+=()%-][\w.,:/+=()% -]*(?<! )")
_PINGS = re.compile(r"(&#(?:64|35);)(?=\w)|(:)(?=[0-9]*[a-z_+-][a-z0-9_+-]*:)")
_UNSEEN = "&#8203;"
"""A zero-width space: GitHub looks for `@name`, `#12` and `:tada:` in what was rendered, where entities are letters."""


def prose(text: str, most: int | None = None) -> str:
    """Return an untrusted sentence, or where `most` is given a name of at most so many characters."""
    return _escaped(sentence(text) if most is None else name(text, most))


def code(text: str, most: int = 60) -> str:
    """Return an untrusted name in the letters of code."""
    clean = name(text, most)
    if not clean:
        return "(no name)"
    return f"`{clean}`" if _SIMPLE.fullmatch(clean) else f"<code>{_escaped(clean)}</code>"


def block(text: str) -> str:
    """Return one untrusted line as a block of code; its fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _escaped(text: str) -> str:
    entities = _STRUCTURE.sub(lambda match: f"&#{ord(match[0])};", text)
    return _PINGS.sub(rf"\g<0>{_UNSEEN}", entities)
