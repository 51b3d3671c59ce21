"""A figure as an SVG element that stands in a page of HTML, and takes the colours of the page."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import TYPE_CHECKING

from vetgate_plot.palette import VARIABLES
from vetgate_plot.style import SALT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KIND = "class:"
"""Begins the gid of an artist whose class in the SVG is the rest."""
WIDEST = 1.4
"""Times its own size that a chart is shown at most."""
_VARIABLE_OF = {"#000000": "ink"} | {colour.lower(): name for name, colour in VARIABLES.items()}
"""Black is what matplotlib draws axes in unasked."""
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_DECIMALS = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_TARGET = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"(?:(?P<style>italic|oblique) )?(?:(?P<weight>\d{3}|bold) )?(?P<size>[\d.]+)px ")
_DROPPED = ("metadata", "style")


def inline_svg(figure: Figure, *, id: str, title: str, description: str) -> str:  # noqa: A002  # as SVG names it
    """Return a figure as an SVG element: no prolog, no script, nothing from outside; text stays text.

    It fills the width that it is given, up to WIDEST times its own. Colours of the palette become CSS variables with
    the palette's as fallbacks. Call it within `styled`.

    Args:
        figure: Of matplotlib. Artists whose gid begins with `class:` are grouped under that class.
        id: Of the element, unique in the page; begins all ids within.
        title: What a reader of the screen is told first.
        description: The figures in words.
    """
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": SALT}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    drawn = ET.fromstring(file.getvalue())  # noqa: S314  # matplotlib's own document
    wanted = set(_targets(drawn))
    width, height = (float(side) for side in drawn.attrib["viewBox"].split()[2:])
    root = ET.Element(
        "svg",
        {
            "id": id,
            "class": "chart",
            "viewBox": f"0 0 {_short(width)} {_short(height)}",
            "role": "img",
            "aria-labelledby": f"{id}-title {id}-desc",
            "style": f"width:100%;height:auto;max-width:{WIDEST * width:.0f}px;font-family:system-ui,sans-serif;"
            f"fill:{_replaced(VARIABLES['ink'])};stroke-linejoin:round",
        },
    )
    for name, text in (("title", title), ("desc", description)):
        ET.SubElement(root, name, {"id": f"{id}-{name}"}).text = text
    root.extend(part for child in drawn for part in _cleaned(child, id, wanted))
    return ET.tostring(root, encoding="unicode")


def _targets(drawn: ET.Element) -> Iterable[str]:
    """Yield the ids that something refers to."""
    for element in drawn.iter():
        for name, value in element.attrib.items():
            if name.endswith("href"):
                yield value.removeprefix("#")
            yield from _TARGET.findall(value)


def _cleaned(element: ET.Element, prefix: str, wanted: set[str]) -> list[ET.Element]:
    """Return an element without what a page has no use for; a group that says nothing gives way to its parts."""
    tag = element.tag.rpartition("}")[2]
    if tag in _DROPPED:
        return []
    attributes = dict(_attributes(element, prefix, wanted))
    parts = [part for child in element for part in _cleaned(child, prefix, wanted)]
    if tag in ("g", "defs") and (not parts or (tag == "g" and not attributes)):
        return parts
    made = ET.Element(tag, attributes)
    made.text = element.text if tag == "text" or tag == "tspan" else None
    made.extend(parts)
    return [made]


def _attributes(element: ET.Element, prefix: str, wanted: set[str]) -> Iterable[tuple[str, str]]:
    for full, value in element.attrib.items():
        name = full.rpartition("}")[2]
        if name == "id":
            if value.startswith(KIND):
                yield "class", value.removeprefix(KIND)
            elif value in wanted:
                yield "id", f"{prefix}-{value}"
        elif name == "href":
            yield "href", f"#{prefix}-{value.removeprefix('#')}"
        elif name == "style":
            yield "style", ";".join(_declarations(value))
        elif not (name == "transform" and value.startswith("rotate(-0 ")):
            yield name, _TARGET.sub(rf"url(#{prefix}-\1)", _rounded(value))


def _declarations(style: str) -> Iterable[str]:
    """Yield the declarations of a style with the page's font and colours."""
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font" and (font := _FONT.match(value)):  # as older versions of matplotlib write it
            yield f"font-size:{_rounded(font['size'])}px"
            if font["weight"]:
                yield f"font-weight:{font['weight']}"
        elif name and name != "font-family":
            yield f"{name}:{_replaced(_rounded(value))}"


def _replaced(value: str) -> str:
    """Return a value with the palette's colours as variables of the page."""

    def variable(match: re.Match[str]) -> str:
        name = _VARIABLE_OF.get(match[0])
        return f"var(--{name},{match[0]})" if name else match[0]

    return _COLOUR.sub(variable, value.lower() if value.startswith("#") else value)


def _rounded(value: str) -> str:
    """Return numbers with two decimals at most, blanks and ends of lines as one blank."""
    return _DECIMALS.sub(lambda match: _short(float(match[0])), " ".join(value.split()))


def _short(number: float) -> str:
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
