"""Tables of the pairs that were found, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from vetgate.api import SketchedImages, Table
from vetgate_hygiene.duplicates import Pair

SHOWN = 20
"""Pairs of a table."""


def show_overlap(what: str, vetted: SketchedImages, other: SketchedImages, pairs: Sequence[Pair]) -> Table:
    """Return the vetted images that stand in another set, beside what they are copies of."""
    return Table(
        title=f"Vetted images in the {what} data",
        columns=("vetted", what, "copy", "likeness", "label", f"label in {what}"),
        rows=tuple(
            (
                vetted.ids[pair.first],
                other.ids[pair.second],
                "exact" if pair.exact else "near",
                pair.likeness,
                vetted.label(pair.first),
                other.label(pair.second),
            )
            for pair in _worst(pairs, vetted)
        ),
        caption=_caption(len(pairs)),
    )


def show_duplicates(vetted: SketchedImages, pairs: Sequence[Pair]) -> Table:
    """Return the pairs of vetted images that are copies; those under two labels first."""
    return Table(
        title="Vetted images that come twice",
        columns=("image", "again as", "copy", "likeness", "label", "label again"),
        rows=tuple(
            (
                vetted.ids[pair.first],
                vetted.ids[pair.second],
                "exact" if pair.exact else "near",
                pair.likeness,
                vetted.label(pair.first),
                vetted.label(pair.second),
            )
            for pair in _worst(pairs, vetted, vetted)
        ),
        caption=_caption(len(pairs)),
    )


def _worst(pairs: Sequence[Pair], vetted: SketchedImages, other: SketchedImages | None = None) -> list[Pair]:
    def agree(pair: Pair) -> bool:
        return other is None or vetted.label(pair.first) == other.label(pair.second)

    order = sorted(pairs, key=lambda pair: (agree(pair), not pair.exact, -pair.likeness, vetted.ids[pair.first]))
    return order[:SHOWN]


def _caption(count: int) -> str:
    shown = f"{SHOWN} of {count:,} pairs" if count > SHOWN else ""
    told = "likeness: mean correlation over spatial frequencies at the best crop and side; 1 is a copy"
    return f"{shown}; {told}" if shown else told
