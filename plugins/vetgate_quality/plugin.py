"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vetgate.api import Check, CheckSpec, Need, TableContext, hookimpl
from vetgate_quality.metrics import METRICS


def _check() -> Check[TableContext]:
    from vetgate_quality.check import QualityCheck

    return QualityCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """Declare the quality check."""
    return (
        CheckSpec[TableContext](
            name="quality",
            summary="accuracy, per-class recall and precision, F1 and calibration of both models",
            needs=Need.TABLE,
            metrics=METRICS,
            factory=_check,
        ),
    )
