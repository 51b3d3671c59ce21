"""What this plugin offers: the footprint check and its figures."""

from __future__ import annotations

from typing import Any

from vetgate.api import Check, CheckSpec, Need, StructureContext, hookimpl
from vetgate_footprint.metrics import METRICS


def _footprint() -> Check[StructureContext]:
    from vetgate_footprint.check import FootprintCheck

    return FootprintCheck()


@hookimpl
def vetgate_checks() -> tuple[CheckSpec[Any], ...]:
    """Offer the footprint check."""
    return (
        CheckSpec(
            name="footprint",
            summary="size, learned values, sparsity and arithmetic of both models",
            needs=Need.STRUCTURE,
            metrics=METRICS,
            factory=_footprint,
        ),
    )
