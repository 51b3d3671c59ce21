"""Agreement: how often both models give the same class, and what ties at the top do to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, PredictionTable, Results
from vetgate_similarity.compared import Compared
from vetgate_similarity.figures import per_image, share, shares
from vetgate_similarity.metrics import AGREEMENT
from vetgate_similarity.parts import columns


def measure(compared: Compared, ask: Ask) -> Results:
    """Return agreement over all images, over the parts that rules ask for and, where cheap, over each class."""
    table = compared.table
    same = table.candidate.answers == table.reference.answers
    note = "" if ask.glance else _tie_note(table, same)
    figures = [share(AGREEMENT, int(np.count_nonzero(same)), len(same), note=note)]
    for by, column in columns(table, ask, AGREEMENT, each_class=True):
        figures += shares(AGREEMENT, same, by, column)
    return Results(measurements=tuple(figures), per_image=() if ask.glance else (per_image(AGREEMENT, same),))


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
