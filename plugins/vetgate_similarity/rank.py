"""Rank correlation: whether both models put the classes of an image in the same order.

Source: C. Spearman, "The Proof and Measurement of Association between Two Things", American Journal of Psychology 15
(1904); ties share the average of their ranks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Results
from vetgate_similarity.compared import Compared, Floats
from vetgate_similarity.figures import undefined
from vetgate_similarity.means import Wanted, means
from vetgate_similarity.metrics import RANK_CORRELATION
from vetgate_similarity.parts import Part, parts

FEWEST_CLASSES = 3
ROWS_AT_ONCE = 2048
"""Images at a time, so that a thousand classes need some tens of megabytes."""


def measure(compared: Compared, ask: Ask) -> Results:
    """Return the mean rank correlation, also of parts that rules ask for; why there is none, where there is none."""
    if ask.glance:
        return Results()
    table, wanted = compared.table, RANK_CORRELATION.id in ask.metrics
    if len(table.classes) < FEWEST_CLASSES:
        few = "two classes have no order beyond which of them is first, which agreement tells"
        return Results(findings=(undefined(RANK_CORRELATION, few),) if wanted else ())
    if compared.constant:
        return Results(findings=(undefined(RANK_CORRELATION, compared.constant_words),))
    rows = rank_correlation(table.candidate.raw, table.reference.raw)
    without = int(np.count_nonzero(np.isnan(rows)))
    if without == len(rows):
        return Results(findings=(undefined(RANK_CORRELATION, "on every image one model scores all classes alike"),))
    note = f"without {without:,} images on which one model scores all classes alike" if without else ""
    return Results(measurements=tuple(means(_wanted(compared, ask, rows), ask, note=note)))


def _wanted(compared: Compared, ask: Ask, rows: Floats) -> Iterator[Wanted]:
    for part in parts(compared.table, ask, RANK_CORRELATION):
        known = part.rows[~np.isnan(rows[part.rows])]
        if len(known):
            yield RANK_CORRELATION, Part(known, part.where, part.replicates), rows[known]


def rank_correlation(candidate: NDArray[np.floating], reference: NDArray[np.floating]) -> Floats:
    """Return (N,) Spearman's correlation of each pair of rows, NaN where all scores of one are equal.

    Args:
        candidate: (N, C) scores, finite.
        reference: (N, C) scores.
    """
    found = np.empty(len(candidate))
    for start in range(0, len(candidate), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        found[part] = _correlation(_ranks(candidate[part]), _ranks(reference[part]))
    return found


def _ranks(scores: NDArray[np.floating]) -> Floats:
    """Return (N, C) the average rank of each score in its row, less their mean."""
    size = scores.shape[1]
    order = np.argsort(scores, axis=1)
    ordered = np.take_along_axis(scores, order, axis=1)
    ranks = np.empty(scores.shape)
    middle = (size - 1) / 2.0
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(size) - middle, scores.shape), axis=1)
    tied = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    if len(tied):
        ranks[tied] = _shared(ordered[tied], order[tied]) - middle
    return ranks


def _shared(ordered: NDArray[np.floating], order: NDArray[np.intp]) -> Floats:
    """Return (T, C) the ranks from 0, ties sharing the average, of rows in ascending order."""
    places = np.arange(ordered.shape[1])
    starts = np.ones(ordered.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends = np.ones(ordered.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, places, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, places, len(places))[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(ordered.shape)
    np.put_along_axis(ranks, order, (first + last) / 2.0, axis=1)
    return ranks


def _correlation(one: Floats, other: Floats) -> Floats:
    product, left, right = (np.einsum("nc,nc->n", a, b) for a, b in ((one, other), (one, one), (other, other)))
    scale = np.sqrt(left * right)
    found: Floats = np.divide(product, scale, out=np.full(len(one), np.nan), where=scale > 0)
    return np.clip(found, -1.0, 1.0)
