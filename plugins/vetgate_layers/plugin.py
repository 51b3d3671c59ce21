"""Declares the check on inner tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vetgate.api import Check, CheckSpec, Need, SessionContext, hookimpl
from vetgate_layers.metrics import METRICS


def _check() -> Check[SessionContext]:
    from vetgate_layers.check import LayersCheck

    return LayersCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """Declare the check; it runs where a rule or the user asks for its figures."""
    return (
        CheckSpec[SessionContext](
            name="layers",
            summary="inner tensors of both models on the same images: which layer broke",
            needs=Need.SESSION,
            metrics=METRICS,
            factory=_check,
            times=False,
        ),
    )
