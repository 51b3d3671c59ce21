"""What stands in an SVG that a page has inlined."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

import pytest

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Drawing:
    """The marks of an SVG element by their class."""

    text: str

    @property
    def root(self) -> ET.Element:
        return ET.fromstring(self.text)  # noqa: S314  # our own document

    def of(self, kind: str) -> list[ET.Element]:
        """Return the groups that have every class of `kind`."""
        wanted = set(kind.split())
        return [found for found in self.root.iter("g") if wanted <= set(found.attrib.get("class", "").split())]

    def words(self, kind: str) -> list[str]:
        return ["".join(found.itertext()) for found in self.of(kind)]

    def extents(self, kind: str) -> list[tuple[float, float, float, float]]:
        """Return left, top, right and bottom of every path of a class."""
        return [
            _extent(path.attrib["d"]) for found in self.of(kind) for path in found.iter("path") if "d" in path.attrib
        ]

    def spots(self, kind: str) -> list[tuple[float, float]]:
        """Return where the points of a class stand."""
        uses = [use for found in self.of(kind) for use in found.iter("use")]
        return [(float(use.attrib["x"]), float(use.attrib["y"])) for use in uses]


def _extent(path: str) -> tuple[float, float, float, float]:
    numbers = [float(number) for number in _NUMBER.findall(path)]
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs), min(ys), max(xs), max(ys)


@pytest.fixture
def drawing() -> Callable[..., Drawing]:
    """Return what inlines a figure, or reads an SVG element."""

    def make(figure: object, **given: str) -> Drawing:
        if isinstance(figure, str):
            return Drawing(figure)
        from vetgate_plot.inline import inline_svg
        from vetgate_plot.style import styled

        told = {"id": "c1", "title": "a title", "description": "what it shows"} | given
        with styled():
            return Drawing(inline_svg(figure, **told))  # type: ignore[arg-type]

    return make
