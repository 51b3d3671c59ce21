"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vetgate.api import Check, CheckSpec, EvidenceContext, Need, hookimpl
from vetgate_opscore.metrics import METRICS


def _check() -> Check[EvidenceContext]:
    from vetgate_opscore.check import OpScoreCheck

    return OpScoreCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """Declare the OpScore check."""
    return (
        CheckSpec[EvidenceContext](
            name="opscore",
            summary="accuracy, time and size as one score, for inference, for training and in all",
            needs=Need.EVIDENCE,
            metrics=METRICS,
            factory=_check,
            after=("quality", "footprint", "latency"),
        ),
    )
