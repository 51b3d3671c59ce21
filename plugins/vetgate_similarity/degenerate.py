"""Outputs that say nothing: a model that gives every image the same."""

from __future__ import annotations

from vetgate.api import Ask, Finding, Results, Severity
from vetgate_similarity.compared import Compared

RULE = "similarity.degenerate"
ADVICE = "look at the model's last layers and at how its card scales images; vetgate inspect MODEL shows both"


def measure(compared: Compared, ask: Ask) -> Results:
    """Return a finding for a constant output; what correlates with it has no value and says so itself."""
    if ask.glance or not compared.constant:
        return Results()
    message = (
        f"{compared.constant_words}: what follows from correlation and chance (kappa, error consistency, rank "
        "correlation, alignment) is not given"
    )
    return Results(findings=(Finding(rule=RULE, severity=Severity.MEDIUM, message=message, advice=ADVICE),))
