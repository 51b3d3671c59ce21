"""The images that a figure is of: all, those of each class, and those of the columns that rules ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import LABEL, Ask, Column, MetricSpec, PredictionTable, Slice

ALWAYS_PER_CLASS = 100
"""Up to this many classes the figures of each are given unasked."""
UNASKED = 2_000
"""Replicates where no rule asks for a confidence: the fewest that state the bounds at 99.5 %."""
AT_ONCE = 200
"""Figures whose replicates are held together: 16 MB of 10,000."""


@dataclass(frozen=True)
class Part:
    """Some of the images."""

    rows: NDArray[np.int64]
    """(n,) at least one."""
    where: Slice | None
    replicates: int
    """Of a bootstrap of a figure of them."""


def columns(
    table: PredictionTable, ask: Ask, spec: MetricSpec, *, each_class: bool = False
) -> Iterator[tuple[str, Column]]:
    """Yield the columns by which to slice a figure, as far as the images have them.

    Args:
        table: The images.
        ask: Rules' columns.
        spec: The figure.
        each_class: Whether it is given for each of up to ALWAYS_PER_CLASS classes unasked.
    """
    labels, asked = table.column(LABEL), ask.columns(spec.id)
    if each_class and labels and LABEL not in asked and len(table.classes) <= ALWAYS_PER_CLASS and not ask.glance:
        yield LABEL, labels
    for by in asked:
        column = table.column(by)
        if column is not None:
            yield by, column


def parts(table: PredictionTable, ask: Ask, spec: MetricSpec, *, each_class: bool = False) -> Iterator[Part]:
    """Yield all images, then those of each value of the columns by which to slice a figure; values without any lack.

    Args:
        table: The images, at least one.
        ask: Rules' columns, and where they ask for a confidence.
        spec: The figure.
        each_class: As for columns.
    """
    yield Part(np.arange(len(table)), None, _replicates(ask, spec, None))
    for by, column in columns(table, ask, spec, each_class=each_class):
        replicates = _replicates(ask, spec, by)
        order = np.argsort(column.codes, kind="stable")
        codes = column.codes[order]
        ends = np.searchsorted(codes, np.arange(len(column.values) + 1))
        for index in np.flatnonzero(np.diff(ends)).tolist():
            where = Slice(by=by, value=column.values[index])
            yield Part(order[ends[index] : ends[index + 1]], where, replicates)


def alike(some: Sequence[Part]) -> Iterator[list[int]]:
    """Yield where parts stand that can be resampled at once, AT_ONCE at a time: as many images and replicates."""
    found: dict[tuple[int, int], list[int]] = {}
    for index, part in enumerate(some):
        found.setdefault((len(part.rows), part.replicates), []).append(index)
    for indices in found.values():
        for start in range(0, len(indices), AT_ONCE):
            yield indices[start : start + AT_ONCE]


def _replicates(ask: Ask, spec: MetricSpec, by: str | None) -> int:
    """Return all replicates where a rule asks for a confidence on such a part, else as few as state the usual ones."""
    bounded = any(
        asked.metric == spec.id and asked.confidence is not None and (asked.slice.by if asked.slice else None) == by
        for asked in ask.questions
    )
    return ask.replicates if bounded else min(ask.replicates, UNASKED)
