"""Right answers over the parts of the images that rules ask for: by label, metadata or looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    LABEL,
    Ask,
    Better,
    Chart,
    Column,
    Mark,
    Measurement,
    MetricSpec,
    PredictionTable,
    Quantiles,
    Slice,
    Table,
    Unit,
)
from vetgate.statistics import LEVELS
from vetgate_quality import metrics
from vetgate_quality.extremes import Interval, Slices
from vetgate_quality.figures import EACH, Target, figure, hits
from vetgate_quality.tally import Paired, pair

FEWEST = 10
"""Images that a slice needs to be the worst: of fewer, chance makes the worst."""
MOST_SLICES = 100
"""Rows of a table."""
USUAL = 0.05
"""The error at which the difference of two worst slices is bounded unasked; each level takes exact tests."""

Right = tuple[NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True)
class Sliced:
    """Both models' right answers by the values of one column."""

    by: str
    column: Column
    paired: Paired

    @classmethod
    def of(cls, table: PredictionTable, by: str, right: Right) -> Sliced | None:
        """Return the counts; None where the images have no such column.

        Args:
            table: The images.
            by: The column.
            right: (N,) whether the candidate is right, and the reference.
        """
        column = table.column(by)
        if column is None:
            return None
        known = column.codes >= 0
        return cls(by, column, pair(column.codes[known], right[0][known], right[1][known], len(column.values)))

    @property
    def without(self) -> int:
        """Return how many images have no value."""
        return len(self.column.codes) - int(self.paired.images.sum())


def asked_columns(ask: Ask, *specs: MetricSpec) -> tuple[str, ...]:
    """Return the columns by which rules want any of some metrics sliced, sorted."""
    return tuple(sorted({by for spec in specs for by in ask.columns(spec.id)}))


def by_slice(spec: MetricSpec, sliced: Sliced) -> Iterator[Measurement]:
    """Yield the share of right answers for every value that has images."""
    for index in np.flatnonzero(sliced.paired.images).tolist():
        yield from hits(spec, sliced.paired.of(index), where=Slice(by=sliced.by, value=sliced.column.values[index]))


def over_slices(sliced: Sliced, ask: Ask) -> Iterator[Measurement]:
    """Yield the worst slice and the gap, whichever a rule asks for; nothing where no slice has images enough."""
    enough = np.flatnonzero(sliced.paired.images >= FEWEST)
    if not len(enough):
        return
    slices = Slices(sliced.paired.only(enough))
    names = [sliced.column.values[index] for index in enough.tolist()]
    one, other = slices.candidate, slices.reference
    if sliced.by in ask.columns(metrics.WORST_SLICE.id):
        least = [names[int(model.share.argmin())] for model in (one, other)]
        values = tuple(float(model.share.min()) for model in (one, other))
        told = _target(sliced, enough, f"the worst {_named(sliced.by, least)}")
        bounds = (one.worst, other.worst, slices.worst_difference)
        yield from _extreme(metrics.WORST_SLICE, ask, values, bounds, told)
    if sliced.by in ask.columns(metrics.SLICE_GAP.id):
        ends = [f"{names[int(model.share.argmin())]} to {names[int(model.share.argmax())]}" for model in (one, other)]
        values = tuple(float(np.ptp(model.share)) for model in (one, other))
        told = _target(sliced, enough, f"from the worst to the best {_named(sliced.by, ends)}")
        yield from _extreme(metrics.SLICE_GAP, ask, values, (one.gap, other.gap, slices.gap_difference), told)


def slice_table(sliced: Sliced) -> Table:
    """Return every value with images, the greatest loss first."""
    paired = sliced.paired
    seen = np.flatnonzero(paired.images)
    change = (paired.won[seen] - paired.lost[seen]) / paired.images[seen]
    order = seen[np.lexsort((seen, change))]
    rows = []
    for index in order[:MOST_SLICES].tolist():
        counts = paired.of(index)
        own, other = (counts.right - counts.lost + counts.won) / counts.images, counts.right / counts.images
        rows.append(
            (sliced.column.values[index], counts.images, own, other, (counts.won - counts.lost) / counts.images)
        )
    notes = [f"{len(rows)} of {len(order)} values, the greatest loss first." if len(rows) < len(order) else ""]
    notes += [f"{sliced.without:,} images have no {sliced.by}." if sliced.without else "", sliced.column.note]
    return Table(
        title=f"Accuracy by {sliced.by}",
        columns=(sliced.by, "images", "accuracy", "reference's accuracy", "difference"),
        rows=tuple(rows),
        caption=" ".join(note for note in notes if note),
        chart=Chart(
            mark=Mark.BARS,
            label=sliced.by,
            values=("difference",),
            unit=Unit.FRACTION,
            signed=True,
            title=f"Change of accuracy by {sliced.by}",
            better=Better.HIGHER,
        ),
    )


def _extreme(
    spec: MetricSpec,
    ask: Ask,
    values: tuple[float, ...],
    bounds: tuple[Callable[[float], Interval], ...],
    target: Target,
) -> Iterator[Measurement]:
    usual = {level for level in LEVELS if level < 0.5}
    asked = {
        round(1.0 - asked.confidence, 12) for asked in ask.questions if asked.metric == spec.id and asked.confidence
    }
    asked = {error for error in asked if 0.0 < error < 0.5}
    found = (values[0], values[1], values[0] - values[1])
    for role, value, bound in zip(EACH, found, bounds, strict=True):
        errors = sorted(asked | (usual if role is not EACH[-1] else {USUAL}))
        lower, upper = zip(*(bound(error) for error in errors), strict=True)
        levels = (*errors, *(1.0 - error for error in reversed(errors)))
        yield figure(
            spec,
            role,
            value,
            Quantiles(levels=levels, values=(*lower, *reversed(upper)), method="counts of slices"),
            target,
        )


def _target(sliced: Sliced, enough: NDArray[np.int64], note: str) -> Target:
    images = sliced.paired.images
    few = int(np.count_nonzero((images > 0) & (images < FEWEST)))
    notes = [note, f"{few} left out with fewer than {FEWEST} images" if few else ""]
    notes += [f"{sliced.without:,} images have no {sliced.by}" if sliced.without else "", sliced.column.note]
    where = Slice(by=sliced.by)
    return Target(int(images[enough].sum()), where, "; ".join(note for note in notes if note))


def _named(by: str, names: list[str]) -> str:
    noun = "class" if by == LABEL else by
    if names[0] == names[1]:
        return f"{noun} is {names[0]} for both models"
    return f"{noun} is {names[0]} for the candidate and {names[1]} for the reference"
