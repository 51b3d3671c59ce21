"""From numbers to measurements of the pair."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    Column,
    Counts,
    Finding,
    Measurement,
    MetricSpec,
    Of,
    PerImage,
    Quantiles,
    Severity,
    Slice,
    Unstated,
)
from vetgate.statistics import Resampled, widen
from vetgate_similarity.parts import Part

UNDEFINED = "similarity.undefined"
"""Rule of findings that say why a figure has no value."""


class Unseen(NamedTuple):
    """How far images that were not seen may move a figure, with a given chance of more."""

    down: Callable[[float], float]
    up: Callable[[float], float]


def share(spec: MetricSpec, k: int, n: int, *, where: Slice | None = None, note: str = "") -> Measurement:
    """Return k of n images as a measurement with its counts."""
    return figure(spec, k / n, n, Counts(k=k, n=n), where=where, note=note)


def figure(
    spec: MetricSpec,
    value: float,
    n: int,
    uncertainty: Counts | Quantiles | Unstated,
    *,
    where: Slice | None = None,
    note: str = "",
) -> Measurement:
    """Return a figure of the pair on n images."""
    return Measurement(
        metric=spec.id,
        role=Of.PAIR,
        value=value,
        unit=spec.unit,
        better=spec.better,
        n=n,
        uncertainty=uncertainty,
        slice=where,
        note=note,
    )


def resampled_figure(
    spec: MetricSpec, resampled: Resampled, row: int, part: Part, unseen: Unseen, *, note: str = ""
) -> Measurement:
    """Return a figure with its distribution over resamples, no nearer to it than what was not seen allows.

    Args:
        spec: The metric; the bounds stay in its range.
        resampled: With the figure.
        row: The figure's.
        part: The images.
        unseen: What they may not show.
        note: For the reader.
    """
    low, high = -np.inf if spec.low is None else spec.low, np.inf if spec.high is None else spec.high
    estimate = min(max(float(resampled.estimate[row]), low), high)
    given, levels = resampled.values[row].tolist(), resampled.levels
    if not levels:
        return figure(spec, estimate, len(part.rows), Unstated(), where=part.where, note=note)
    values = widen(levels, given, estimate, unseen.down, unseen_up=unseen.up, low=low, high=high)
    method = resampled.method(row)
    notes = [note]
    if resampled.methods[row] == "constant":
        notes.append("no resample differs from it, so that its bounds are what images not seen could change")
    else:
        method = f"{method}, {part.replicates:,} replicates"
    told = "; ".join(each for each in notes if each)
    stated = Quantiles(levels=levels, values=values, method=method)
    return figure(spec, estimate, len(part.rows), stated, where=part.where, note=told)


def undefined(spec: MetricSpec, why: str, *, advice: str = "") -> Finding:
    """Return why a figure has no value; rules whose figure is missing quote it."""
    return Finding(
        rule=UNDEFINED, severity=Severity.INFO, message=f"{spec.id} has no value: {why}", advice=advice, location=""
    )


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
