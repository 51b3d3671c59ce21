"""Figures of parts of the images, a table for each metric and column, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vetgate.domain.evidence import BATCH, LABEL, Evidence, Measurement, Of, Versus
from vetgate.domain.report import Report
from vetgate.domain.unit import Better
from vetgate.wording.figures import Figure, figure_of

WORST = 5
"""Slices listed of a column with many."""
FEW = 8
"""Slices of a column that are all listed; of classes only those that lost."""
_ORDERED_BY = (Of.DELTA, Of.PAIR, Of.RATIO, Of.CANDIDATE, Of.REFERENCE)


@dataclass(frozen=True)
class SliceTable:
    """The slices of one column by one metric."""

    metric: str
    by: str
    versus: Versus
    ordered_by: Of
    """Whose figure orders them."""
    slices: int
    """All that were measured."""
    rows: tuple[tuple[str, Figure], ...]
    """Value of the column and its figures, worst first."""

    @property
    def of(self) -> str:
        """Return what a row is: `class`, or the name of the column."""
        return "class" if self.by == LABEL else self.by

    def title(self, mark: Callable[[str], str]) -> str:
        """Return the title, its names printed by `mark`."""
        by = {Of.DELTA: "difference of ", Of.RATIO: "ratio of "}.get(self.ordered_by, "")
        against = " against the baseline" if self.versus is Versus.BASELINE else ""
        shown = f"{len(self.rows):,} of {self.slices:,}" if len(self.rows) < self.slices else f"all {self.slices:,}"
        if self.by == LABEL:
            return f"Worst classes by {by}{mark(self.metric)}{against}: {shown}"
        return f"By {mark(self.by)}, worst {by}{mark(self.metric)}{against} first: {shown}"


def slice_tables(report: Report) -> tuple[SliceTable, ...]:
    """Return a table for every metric and column by which it was sliced; calls by batch are no slices of images.

    Of the figures of the pair by one column only the first has a table, and those that rules name: they all tell where
    the function moved.
    """
    return tuple(table for table, shown in _chosen(report) if shown)


def further_slices(report: Report) -> str:
    """Return a sentence that names the figures of the pair whose slices have no table; empty where all have one."""
    left: dict[str, list[str]] = {}
    for table, shown in _chosen(report):
        if not shown:
            left.setdefault(table.of, []).append(table.metric)
    told = "; ".join(f"{', '.join(metrics)} by {of}" for of, metrics in left.items())
    return f"Also in the JSON report: {told}." if told else ""


def _chosen(report: Report) -> list[tuple[SliceTable, bool]]:
    """Return every table, and whether it is drawn."""
    ruled = {(ruling.metric, ruling.slice.by) for ruling in report.verdict.rulings if ruling.slice is not None}
    seen: set[tuple[str, str]] = set()
    found = []
    for evidence in report.evidence:
        for table in _tables(evidence):
            family = (table.metric.partition(".")[0], table.by)
            shown = table.ordered_by is not Of.PAIR or family not in seen or (table.metric, table.by) in ruled
            found.append((table, shown))
            if table.ordered_by is Of.PAIR:
                seen.add(family)
    return found


def _tables(evidence: Evidence) -> Iterator[SliceTable]:
    found: dict[tuple[str, str, Versus], dict[str, dict[Of, Measurement]]] = {}
    for measurement in evidence.measurements:
        where = measurement.slice
        if where is not None and where.value is not None and where.by != BATCH:
            slices = found.setdefault((measurement.metric, where.by, measurement.versus), {})
            slices.setdefault(where.value, {})[measurement.role] = measurement
    for (metric, by, versus), slices in found.items():
        table = _table(metric, by, versus, slices)
        if table.rows:
            yield table


def _table(metric: str, by: str, versus: Versus, slices: dict[str, dict[Of, Measurement]]) -> SliceTable:
    role = next(role for role in _ORDERED_BY if any(role in roles for roles in slices.values()))
    ordered = sorted(
        (value for value in slices if role in slices[value]), key=lambda value: _goodness(slices[value][role])
    )
    few = by != LABEL and len(ordered) <= FEW
    rows = [(value, figure_of(slices[value])) for value in (ordered if few else ordered[:WORST])]
    if role is Of.DELTA and not few:
        rows = [(value, row) for value, row in rows if row.reading in ("worse", "")]
    return SliceTable(metric, by, versus, role, len(slices), tuple(rows))


def _goodness(measurement: Measurement) -> float:
    signs = {Better.HIGHER: measurement.value, Better.LOWER: -measurement.value}
    return signs.get(measurement.better, -abs(measurement.value))
