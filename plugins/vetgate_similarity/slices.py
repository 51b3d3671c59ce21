"""Where the models differ: agreement and flips over the parts of the images that rules ask for."""

from __future__ import annotations

import numpy as np

from vetgate.api import LABEL, Ask, Chart, Column, Mark, PredictionTable, Results, Table, Unit
from vetgate_similarity.compared import Compared
from vetgate_similarity.metrics import METRICS

MOST_SLICES = 100
"""Rows of a table."""


def measure(compared: Compared, ask: Ask) -> Results:
    """Return a table for every column that rules ask for but the label, whose flips have their own."""
    if ask.glance:
        return Results()
    table = compared.table
    asked = sorted({by for spec in METRICS for by in ask.columns(spec.id)} - {LABEL})
    columns = [(by, column) for by in asked if (column := table.column(by))]
    return Results(exhibits=tuple(_by_slice(table, by, column) for by, column in columns))


def _by_slice(table: PredictionTable, by: str, column: Column) -> Table:
    """Return every value with images, most negative flips first, or without labels the least agreement."""
    known, size = column.codes >= 0, len(column.values)
    images = np.bincount(column.codes[known], minlength=size)
    candidate, reference = table.candidate.answers, table.reference.answers
    parts = {"agreement": candidate == reference}
    if table.labels is not None:
        right, before = candidate == table.labels, reference == table.labels
        parts |= {"negative flips": before & ~right, "positive flips": right & ~before}
    shares = {
        name: np.bincount(column.codes[known & part], minlength=size) / np.maximum(images, 1)
        for name, part in parts.items()
    }
    badness = shares.get("negative flips", -shares["agreement"])
    order = [index for index in np.lexsort((np.arange(size), -badness)).tolist() if images[index]]
    rows = tuple(
        (column.values[index], int(images[index]), *(float(found[index]) for found in shares.values()))
        for index in order[:MOST_SLICES]
    )
    without = len(column.codes) - int(images.sum())
    notes = [f"{len(rows)} of {len(order)} values, the worst first." if len(rows) < len(order) else ""]
    notes += [f"{without:,} images have no {by}." if without else "", column.note]
    return Table(
        title=f"Agreement by {by}",
        columns=(by, "images", *shares),
        rows=rows,
        caption=" ".join(note for note in notes if note),
        chart=_chart(by, flips=table.labels is not None),
    )


def _chart(by: str, *, flips: bool) -> Chart:
    if flips:
        return Chart(mark=Mark.MIRRORED, label=by, values=("negative flips", "positive flips"), unit=Unit.FRACTION)
    return Chart(mark=Mark.BARS, label=by, values=("agreement",), unit=Unit.FRACTION)
