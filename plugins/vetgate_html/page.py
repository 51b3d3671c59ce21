"""Fills templates: everything in them is escaped, and the page allows its browser nothing but itself.

A page extends `base.html`, which brings the head, the styles of `assets/page.css`, the one script `assets/page.js`, the
band with the decision, the skip link and the switch between light and dark. `parts.html` has the macros for what pages
share: names, figures, tables, drawings. Names of strangers pass through the filters `name` or `sentence`, which make
unseen characters harmless; Jinja escapes whatever is printed, and only SVG that this project drew is trusted.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from markupsafe import Markup

from vetgate.wording import text
from vetgate.wording.rulings import MARKS

if TYPE_CHECKING:
    from jinja2 import Environment

_PARTS = re.compile(r"(?<=[/_=-])(?=[^/._=-])|(?<=\.)(?=[^/._=-]{5})")
"""Where names may be broken; the ending of a file stays with its name."""
_BLANKS = re.compile(
    r"(?<=[\d–]) (?=(?:%|pp|ms|s|MB|GB|bit|×|/s)(?![\w/]))|(?<=\bn) (?== \d)|(?<=\bn =) (?=\d)|(?<=[≥≤]) "
)
LONGEST_NAME = 160
"""Characters of a name; a page has room, and breaks it anywhere."""


@cache
def environment() -> Environment:
    """Return what fills templates; a variable that nobody gave is an error, never an empty place."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("vetgate_html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["name"] = lambda value, most=LONGEST_NAME: text.name(value, most)
    made.filters["sentence"] = text.sentence
    made.filters["plain"] = text.plain
    made.filters["parted"] = parted
    made.filters["glued"] = glued
    made.globals["marks"] = {decision.value: mark for decision, mark in MARKS.items()}
    made.globals["counted"] = text.counted
    return made


def parted(name: str) -> Markup:
    """Return a name that may be broken where its parts meet, rather than in the middle of one."""
    return Markup("<wbr>").join(_PARTS.split(name))


def glued(sentence: str) -> str:
    """Return text in which no line ends between a number and its unit."""
    return _BLANKS.sub("\u00a0", sentence)


def filled(template: str, values: Mapping[str, object]) -> str:
    """Return a template with its values in it; strings among them are escaped where they are printed."""
    return environment().get_template(template).render(values)


def page(template: str, values: Mapping[str, object]) -> str:
    """Return a whole document.

    Args:
        template: One that extends `base.html`, which wants `title` and `decision` among the values.
        values: For the template.
    """
    style, script = asset("page.css"), asset("page.js")
    own = {"style": Markup(style), "script": Markup(script), "policy": content_security_policy(script)}  # noqa: S704
    return filled(template, {**own, **values})


@cache
def asset(name: str) -> str:
    """Return a text file of this package that pages carry in them."""
    return (resources.files("vetgate_html") / "assets" / name).read_text(encoding="utf-8")


def content_security_policy(script: str) -> str:
    """Return what a browser may do with the page: run this one script, show what stands in it, and fetch nothing.

    Styles may stand inline, for drawings carry their own; without addresses that could be fetched they can only paint.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{digest}'",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
