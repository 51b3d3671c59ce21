"""Which concepts a candidate missed, counted: one candidate's table, and several candidates side by side. Pure.

After Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks" (XDELTA),
figures 9 and 11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vetgate.domain.exhibit import Chart, Mark, Table
from vetgate.domain.unit import Unit
from vetgate.label import plain, shorten

MOST_CONCEPTS = 20
"""Rows of a table of concepts."""
CONFIDENCE = 0.95
"""Of each one-sided bound in a table of concepts."""


@dataclass(frozen=True)
class ConceptCount:
    """How often one concept is what the candidate missed."""

    name: str
    images: int
    """Explained images in which it is the part that DELTA's regions cover most of."""
    shown: int | None = None
    """Explained images that show it at all; None where nobody annotated them."""
    covered: float | None = None
    """Mean share of it that the regions cover in `images`, in (0, 1]; None likewise."""


def most_missed(counts: Sequence[ConceptCount]) -> list[ConceptCount]:
    """Return concepts by falling count; those of one count by name."""
    return sorted(counts, key=lambda count: (-count.images, count.name))


def concept_table(counts: Sequence[ConceptCount], explained: int, *, title: str, caption: str) -> Table:
    """Return the most missed concepts of one candidate, with the bounds of their share of the explained images.

    Args:
        counts: One a concept.
        explained: Images that could have been counted, at least 1.
        title: Of the table.
        caption: What the counts rest on; what was left out is added.
    """
    from vetgate.statistics import proportion_bounds

    ranked = most_missed(counts)
    annotated = any(count.shown is not None for count in ranked)
    rows = []
    for count in ranked[:MOST_CONCEPTS]:
        bounds = proportion_bounds(count.images, explained, CONFIDENCE)
        row: tuple[str | float | int | None, ...] = (_name(count.name), count.images, bounds.estimate)
        row += (bounds.lower, bounds.upper)
        rows.append((*row, count.shown, count.covered) if annotated else row)
    columns = ("concept", "images", "share of explained", "lower 95 %", "upper 95 %")
    left_out = f" {len(ranked) - MOST_CONCEPTS} rarer concepts are left out." if len(ranked) > MOST_CONCEPTS else ""
    return Table(
        title=title,
        columns=(*columns, "images that show it", "mean share covered") if annotated else columns,
        rows=tuple(rows),
        caption=f"{caption}{left_out}",
        chart=Chart(
            mark=Mark.BARS,
            label="concept",
            values=("share of explained",),
            unit=Unit.FRACTION,
            interval=("lower 95 %", "upper 95 %"),
        ),
    )


def side_by_side(counted: Mapping[str, Mapping[str, tuple[int, int]]], most: int = 5) -> Table:
    """Return the share of explained images in which each candidate of one reference missed each concept.

    Args:
        counted: Candidate -> concept -> (images, explained images); candidates in the order of the columns.
        most: How many of each candidate's most missed concepts enter the rows.

    Returns:
        A row for every concept that is among the `most` of any candidate, by the highest share anywhere; a concept that
        a candidate never missed has 0, and a candidate without any named concept has no figures at all.
    """
    chosen: set[str] = set()
    for concepts in counted.values():
        ranked = sorted(concepts, key=lambda name: (-concepts[name][0], name))
        chosen.update(name for name in ranked[:most] if concepts[name][0])
    shares = {name: tuple(_share(concepts, name) for concepts in counted.values()) for name in chosen}
    order = sorted(chosen, key=lambda name: (-max(share or 0.0 for share in shares[name]), name))
    told = [
        f"{_name(candidate)}: {max(of for _, of in concepts.values()):,}" if concepts else f"{_name(candidate)}: none"
        for candidate, concepts in counted.items()
    ]
    return Table(
        title="Missed concepts side by side",
        columns=("concept", *(_name(candidate) for candidate in counted)),
        rows=tuple((_name(name), *shares[name]) for name in order),
        caption=f"Share of explained images whose most covered part it is. Images with concepts ({'; '.join(told)}).",
        chart=_chart([_name(candidate) for candidate in counted]),
    )


def _chart(candidates: Sequence[str]) -> Chart | None:
    if not candidates:
        return None
    return Chart(mark=Mark.BARS, label="concept", values=tuple(candidates), unit=Unit.FRACTION)


def _share(concepts: Mapping[str, tuple[int, int]], name: str) -> float | None:
    if not concepts:
        return None
    images, of = concepts.get(name, (0, 1))
    return images / of


def _name(text: str) -> str:
    return shorten(plain(text))
