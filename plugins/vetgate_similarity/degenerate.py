"""Outputs that say nothing: a model that gives every image the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Finding, Results, Severity
from vetgate_similarity.compared import Compared

RULE = "similarity.degenerate"
ADVICE = "look at the model's last layers and at how its card scales images; vetgate inspect MODEL shows both"


FLAT = "similarity.second-softmax"
FLAT_ADVICE = (
    "if the model ends in a softmax of its own, export it without the second one; a card cannot take it back, and "
    "says output.kind: probabilities for one"
)
_BARELY = 1.5
"""Greatest over least probability below which a model is not flattened, but knows nothing."""


def measure(compared: Compared, ask: Ask) -> Results:
    """Return a finding for a constant output, and for probabilities that seem to have gone through two softmaxes."""
    if ask.glance:
        return Results()
    return Results(findings=(*_constant(compared), *_flattened(compared)))


def _constant(compared: Compared) -> Iterator[Finding]:
    if compared.constant:
        message = (
            f"{compared.constant_words}: what follows from correlation and chance (kappa, error consistency, rank "
            "correlation, alignment) is not given"
        )
        yield Finding(rule=RULE, severity=Severity.MEDIUM, message=message, advice=ADVICE)


def _flattened(compared: Compared) -> Iterator[Finding]:
    models = {"candidate": compared.table.candidate, "reference": compared.table.reference}
    for name, model in models.items():
        most = _greatest_ratio(model.probabilities)
        if len(model.probabilities) > 1 and model.probabilities.shape[1] > 2 and _BARELY <= most <= np.e * 1.001:
            yield Finding(
                rule=FLAT,
                severity=Severity.LOW,
                message=f"on every image the greatest probability of the {name} is at most {most:.4g} times its least, "
                "as a second softmax over probabilities leaves it (at most e = 2.718)",
                advice=FLAT_ADVICE,
            )


def _greatest_ratio(probabilities: NDArray[np.float64]) -> float:
    """Return the greatest over the least probability of any image; infinity where a class is ruled out."""
    least = probabilities.min(axis=1)
    return float((probabilities.max(axis=1) / least).max()) if least.min() > 0 else float("inf")
