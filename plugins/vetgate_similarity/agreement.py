"""Agreement: how often both models give the same class, and what ties at the top do to it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    Ask,
    Measurement,
    PredictionTable,
    Results,
    of_label,
)
from vetgate_similarity.figures import share
from vetgate_similarity.metrics import AGREEMENT

ALWAYS_PER_CLASS = 100
"""Up to this many classes the figures of each are given unasked."""


def measure(table: PredictionTable, ask: Ask) -> Results:
    """Return agreement over all images and, where there are labels, over the images of each class."""
    same = table.candidate.answers == table.reference.answers
    overall = share(AGREEMENT, int(np.count_nonzero(same)), len(same), note=_tie_note(table, same))
    return Results(measurements=(overall, *_by_class(table, ask, same)))


def _by_class(table: PredictionTable, ask: Ask, same: NDArray[np.bool_]) -> Iterator[Measurement]:
    if table.labels is None or (len(table.classes) > ALWAYS_PER_CLASS and not ask.columns(AGREEMENT.id)):
        return
    size = len(table.classes)
    images = np.bincount(table.labels, minlength=size)
    agreed = np.bincount(table.labels[same], minlength=size)
    for index in np.flatnonzero(images).tolist():
        yield share(AGREEMENT, int(agreed[index]), int(images[index]), where=of_label(table.classes[index]))


def _tie_note(table: PredictionTable, same: NDArray[np.bool_]) -> str:
    """Return how often the first place is shared, and between what agreement would lie if ties fell otherwise.

    Quantised outputs have few steps and saturate, so that several classes can share the first place. The lowest index
    wins; that keeps the answer reproducible, and makes two models that tie alike agree.
    """
    tops = [_tops(model.raw) for model in (table.candidate, table.reference)]
    tied = [top.sum(axis=1) > 1 for top in tops]
    if not (tied[0].any() or tied[1].any()):
        return ""
    open_to_choice = (tied[0] | tied[1]) & (tops[0] & tops[1]).any(axis=1)
    n = len(same)
    low = int(np.count_nonzero(same & ~open_to_choice)) / n
    high = int(np.count_nonzero(same | open_to_choice)) / n
    return (
        f"the first place is shared on {int(tied[0].sum()):,} images by the candidate and on {int(tied[1].sum()):,} by "
        f"the reference; the lowest class counts, and on {int(open_to_choice.sum()):,} images another choice could "
        f"change agreement ({low:.2%} to {high:.2%})"
    )


def _tops(raw: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return (N, C) which classes share the highest raw output; the answers are taken from raw outputs too."""
    found: NDArray[np.bool_] = raw == raw.max(axis=1, keepdims=True)
    return found
