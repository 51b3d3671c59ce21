"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vetgate.api import Check, CheckSpec, Need, TableContext, hookimpl
from vetgate_similarity.metrics import METRICS


def _check() -> Check[TableContext]:
    from vetgate_similarity.check import SimilarityCheck

    return SimilarityCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """Declare the similarity check."""
    return (
        CheckSpec[TableContext](
            name="similarity",
            summary="how near the two models are as functions: agreement, flips, distances, correlation",
            needs=Need.TABLE,
            metrics=METRICS,
            factory=_check,
        ),
    )
