"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vetgate.api import ANY_TASK, Check, CheckSpec, Need, SessionContext, hookimpl
from vetgate_latency.metrics import COLD_START, METRICS


def _check() -> Check[SessionContext]:
    from vetgate_latency.check import LatencyCheck

    return LatencyCheck()


def _cold_start() -> Check[SessionContext]:
    from vetgate_latency.cold import ColdStartCheck

    return ColdStartCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """Declare the checks of warm and of cold models."""
    return (
        CheckSpec[SessionContext](
            name="latency",
            tasks=ANY_TASK,
            summary="time of one call and images per second, in interleaved pairs",
            needs=Need.SESSION,
            metrics=METRICS,
            factory=_check,
        ),
        CheckSpec[SessionContext](
            name="cold_start",
            tasks=ANY_TASK,
            summary="time from a fresh process to the first answer",
            needs=Need.SESSION,
            metrics=(COLD_START,),
            factory=_cold_start,
        ),
    )
