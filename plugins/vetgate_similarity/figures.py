"""From numbers to measurements of the pair."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    Ask,
    Column,
    Counts,
    Measurement,
    MetricSpec,
    Of,
    PerImage,
    PredictionTable,
    Quantiles,
    Slice,
    Unstated,
)
from vetgate.statistics import Resampled, unseen_share, widen


def share(spec: MetricSpec, k: int, n: int, *, where: Slice | None = None, note: str = "") -> Measurement:
    """Return k of n images as a measurement with its counts."""
    return Measurement(
        metric=spec.id,
        role=Of.PAIR,
        value=k / n,
        unit=spec.unit,
        better=spec.better,
        n=n,
        uncertainty=Counts(k=k, n=n),
        slice=where,
        note=note,
    )


def mean(spec: MetricSpec, resampled: Resampled, row: int, n: int, *, where: Slice | None = None) -> Measurement:
    """Return a mean over n images of a figure in [0, 1], with its distribution over resamples.

    Args:
        spec: The metric.
        resampled: With the mean.
        row: The mean's.
        n: Images.
        where: What they are confined to, or None for all.
    """
    estimate = min(max(float(resampled.estimate[row]), 0.0), 1.0)
    given, shares = resampled.values[row].tolist(), (estimate, 1.0 - estimate)
    values = widen(resampled.levels, given, estimate, partial(unseen_share, n), low=0.0, high=1.0, shares=shares)
    note = ""
    if values and resampled.methods[row] == "constant":
        note = "no resample differs from it, so that its bounds are what images not seen could change"
    return Measurement(
        metric=spec.id,
        role=Of.PAIR,
        value=estimate,
        unit=spec.unit,
        better=spec.better,
        n=n,
        uncertainty=Quantiles(levels=resampled.levels, values=values, method=resampled.method(row))
        if values
        else Unstated(),
        slice=where,
        note=note,
    )


def asked_slices(table: PredictionTable, ask: Ask, spec: MetricSpec) -> Iterator[tuple[str, Column]]:
    """Yield the columns by which rules want a metric sliced, as far as the images have them."""
    for by in ask.columns(spec.id):
        column = table.column(by)
        if column is not None:
            yield by, column


def shares(spec: MetricSpec, counted: NDArray[np.bool_], by: str, column: Column) -> Iterator[Measurement]:
    """Yield the share of images that count, for every value of a column that has images.

    Args:
        spec: The metric.
        counted: (N,) which images count.
        by: The column's name.
        column: The column.
    """
    known, size = column.codes >= 0, len(column.values)
    images = np.bincount(column.codes[known], minlength=size)
    found = np.bincount(column.codes[known & counted], minlength=size)
    for index in np.flatnonzero(images).tolist():
        where = Slice(by=by, value=column.values[index])
        yield share(spec, int(found[index]), int(images[index]), where=where)


def per_image(spec: MetricSpec, counted: NDArray[np.bool_]) -> PerImage:
    """Return which images count (N,), packed, the first image in the highest bit."""
    bits = base64.b64encode(np.packbits(counted).tobytes()).decode("ascii")
    return PerImage(metric=spec.id, role=Of.PAIR, n=len(counted), bits=bits)
