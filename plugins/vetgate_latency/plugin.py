"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vetgate.api import Check, CheckSpec, Need, SessionContext, hookimpl
from vetgate_latency.metrics import METRICS


def _check() -> Check[SessionContext]:
    from vetgate_latency.check import LatencyCheck

    return LatencyCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """Declare the latency check."""
    return (
        CheckSpec[SessionContext](
            name="latency",
            summary="time of one call and images per second, in interleaved pairs",
            needs=Need.SESSION,
            metrics=METRICS,
            factory=_check,
        ),
    )
