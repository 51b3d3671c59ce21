"""What this plugin offers: the checks of what a model takes, on disk and in memory, and their figures."""

from __future__ import annotations

from typing import Any

from vetgate.api import ANY_TASK, Check, CheckSpec, Need, SessionContext, StructureContext, hookimpl
from vetgate_footprint.metrics import METRICS, PEAK_MEMORY


def _footprint() -> Check[StructureContext]:
    from vetgate_footprint.check import FootprintCheck

    return FootprintCheck()


def _memory() -> Check[SessionContext]:
    from vetgate_footprint.memory import MemoryCheck

    return MemoryCheck()


@hookimpl
def vetgate_checks() -> tuple[CheckSpec[Any], ...]:
    """Offer the check of what the files hold, and that of the memory that running them takes."""
    return (
        CheckSpec(
            name="footprint",
            tasks=ANY_TASK,
            summary="size, learned values, sparsity and arithmetic of both models",
            needs=Need.STRUCTURE,
            metrics=METRICS,
            factory=_footprint,
        ),
        CheckSpec(
            name="memory",
            tasks=ANY_TASK,
            summary="peak memory of a fresh process at the deployment batch",
            needs=Need.SESSION,
            metrics=(PEAK_MEMORY,),
            factory=_memory,
        ),
    )
