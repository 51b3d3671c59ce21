"""Alignment of log-probabilities: whether both models see the same images as alike.

Debiased linear centred kernel alignment (vetgate.statistics.cka names its sources, and alignment those of its bounds)
of log-probabilities, clipped at 1e-7 and centred for each image, so that neither a temperature nor a shift of logits
matters. Unrelated models have 0 in expectation, whatever the number of images and classes; linear CKA that is not
debiased grows with classes per image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Finding, Measurement, Quantiles, Results
from vetgate.statistics import bounded_cka
from vetgate_similarity.compared import Compared, Floats
from vetgate_similarity.figures import figure, undefined
from vetgate_similarity.metrics import CKA
from vetgate_similarity.parts import parts

LEAST = 1e-7
"""Probabilities below say nothing of which class is likely, and their logarithms would outweigh all else."""


def measure(compared: Compared, ask: Ask) -> Results:
    """Return the alignment, also of parts that rules ask for; why there is none, where there is none."""
    if ask.glance:
        return Results()
    if compared.constant:
        return Results(findings=(undefined(CKA, compared.constant_words),))
    table = compared.table
    one, other = (log_probabilities(model.probabilities) for model in (table.candidate, table.reference))
    found, findings = list[Measurement](), list[Finding]()
    for part in parts(table, ask, CKA):
        try:
            aligned = bounded_cka(one[part.rows], other[part.rows], ask.confidences)
        except ValueError as error:
            where = f" (of {part.where.name})" if part.where else ""
            findings.append(undefined(CKA, f"{error}{where}"))
            continue
        bounds = Quantiles(levels=aligned.levels, values=aligned.values, method="jackknife")
        found.append(figure(CKA, aligned.value, len(part.rows), bounds, where=part.where))
    return Results(measurements=tuple(found), findings=tuple(findings))


def log_probabilities(probabilities: NDArray[np.float64]) -> Floats:
    """Return (N, C) natural logarithms, clipped at LEAST, less the mean of each row."""
    logs: Floats = np.log(np.maximum(probabilities, LEAST))
    logs -= logs.mean(axis=1, keepdims=True)
    return logs
