"""Jensen-Shannon divergence of the two models' probabilities.

Source: J. Lin, "Divergence Measures Based on the Shannon Entropy", IEEE Transactions on Information Theory 37 (1991),
145-151, with equal weights and base 2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import xlog1py

from vetgate.api import Ask, PredictionTable, Results, Slice, Table
from vetgate.statistics import Resampled, attainable_levels, bootstrap
from vetgate_similarity.figures import asked_slices, mean
from vetgate_similarity.metrics import JS_DIVERGENCE

WORST = 20
ROWS_AT_ONCE = 2048
"""Images at a time, so that a thousand classes need some tens of megabytes."""


def measure(table: PredictionTable, ask: Ask) -> Results:
    """Return the mean divergence in bits, also of parts that rules ask for, and the images that differ most.

    Every image is a cell of its own, so that it is resampled only where a rule asks for a confidence on it. Nothing in
    a run that may stop early: it follows from no counts.
    """
    if ask.glance:
        return Results()
    rows = js_divergence(table.candidate.probabilities, table.reference.probabilities)
    figures = [mean(JS_DIVERGENCE, _resample(rows, np.zeros(len(rows), dtype=np.int64), ask), 0, len(rows))]
    for by, column in asked_slices(table, ask, JS_DIVERGENCE):
        known = column.codes >= 0
        seen, place = np.unique(column.codes[known], return_inverse=True)
        if not len(seen):
            continue
        resampled, images = _resample(rows[known], place, ask), np.bincount(place).tolist()
        for row, index in enumerate(seen.tolist()):
            where = Slice(by=by, value=column.values[index])
            figures.append(mean(JS_DIVERGENCE, resampled, row, images[row], where=where))
    return Results(measurements=tuple(figures), exhibits=_worst(table, rows))


def _resample(rows: NDArray[np.float64], groups: NDArray[np.int64], ask: Ask) -> Resampled:
    """Return the mean of each group of images, resampled over the distinct values within each.

    Args:
        rows: (N,) a figure of each image.
        groups: (N,) its group, from 0; each has an image.
        ask: Replicates, seed and confidences.
    """
    images = np.bincount(groups).astype(np.float64)[:, np.newaxis]
    cells, sizes = np.unique(np.stack([groups, rows], axis=1), axis=0, return_counts=True)
    group = cells[:, 0].astype(np.int64)
    design = csr_array((cells[:, 1], (group, np.arange(len(sizes)))), shape=(len(images), len(sizes)))
    return bootstrap(
        lambda totals: totals / images,
        design,
        sizes,
        group,
        replicates=ask.replicates,
        seed=ask.seed,
        levels=attainable_levels(ask.confidences, ask.replicates) if ask.wants_bounds(JS_DIVERGENCE.id) else (),
    )


def js_divergence(candidate: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N,) the divergence of each pair of rows in bits: 0 is equal, 1 is without a class in common.

    Args:
        candidate: (N, C) probabilities; rows sum to 1, zeros allowed.
        reference: (N, C) probabilities.
    """
    found = np.empty(len(candidate))
    for start in range(0, len(candidate), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        found[part] = _js_rows(candidate[part], reference[part])
    return found


def _js_rows(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the divergence of rows.

    With d = (p - q) / (p + q), 2 p / (p + q) is 1 + d and 2 q / (p + q) is 1 - d, and log1p keeps the digits of
    near-equal probabilities. A probability of 0 adds 0.
    """
    total = p + q
    step = np.divide(p - q, total, out=np.zeros_like(total), where=total > 0)
    nats = (xlog1py(p, step) + xlog1py(q, -step)).sum(axis=1)
    bits: NDArray[np.float64] = np.clip(nats / (2.0 * math.log(2.0)), 0.0, 1.0)
    return bits


def _worst(table: PredictionTable, rows: NDArray[np.float64]) -> tuple[Table, ...]:
    """Return the images with the greatest divergence, none where the models never differ; ties by id."""
    count = min(WORST, len(rows))
    floor = np.partition(rows, len(rows) - count)[len(rows) - count]
    near = np.flatnonzero((rows >= floor) & (rows > 0)).tolist()
    near.sort(key=lambda row: (-rows[row], table.ids[row]))
    if not near:
        return ()
    labels, classes = table.labels, table.classes
    shown = tuple(
        (
            table.ids[row],
            None if labels is None else classes[int(labels[row])],
            classes[int(table.candidate.answers[row])],
            classes[int(table.reference.answers[row])],
            float(rows[row]),
        )
        for row in near[:WORST]
    )
    return (
        Table(
            title="Images on which the models differ most",
            columns=("image", "label", "candidate", "reference", "divergence"),
            rows=shown,
            caption="Jensen-Shannon divergence in bits; 1 is the greatest there is.",
        ),
    )
