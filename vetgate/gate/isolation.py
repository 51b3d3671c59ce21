"""Whether all walls stood around the processes that read a model, as its report tells it."""

from __future__ import annotations

from collections.abc import Iterator

from vetgate.domain.report import ModelSummary
from vetgate.inference.walls import missing


def unwalled(candidate: ModelSummary, reference: ModelSummary, timed: ModelSummary | None) -> Iterator[str]:
    """Yield a sentence for each model whose process lacked a wall, or of which a report does not say.

    Args:
        candidate: As it is in the report.
        reference: Likewise.
        timed: What was timed in place of the reference; None where that was itself.
    """
    for role, model in (("candidate", candidate), ("reference", reference), ("latency reference", timed)):
        why = _why(model) if model is not None else ""
        if model is not None and why:
            yield f"not all walls stood around the process of {role} {model.name}: {why}"


def _why(model: ModelSummary) -> str:
    """Return which walls were missing; empty where all stood, or where no process read the model."""
    told = model.walls or (model.scan.walls if model.scan is not None else ())
    if model.execution is not None and not model.walls:
        return "the report does not say which stood"
    return missing(told)
