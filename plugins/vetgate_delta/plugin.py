"""Declares the check on disparity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vetgate.api import Check, CheckSpec, Labeller, LabellerSpec, Need, TrainerContext, hookimpl
from vetgate_delta.labeller_settings import NAME as OPENAI_COMPATIBLE
from vetgate_delta.labeller_settings import SETTINGS
from vetgate_delta.metrics import METRICS


def _check() -> Check[TrainerContext]:
    from vetgate_delta.check import Disparity

    return Disparity()


def _labeller(settings: Mapping[str, str]) -> Labeller:
    from vetgate_delta.labeller import make_labeller

    return make_labeller(settings)


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """Declare the check; it runs where a rule or the user asks for its figures."""
    return (
        CheckSpec[TrainerContext](
            name="disparity",
            summary="what the candidate lost, and where: DELTA, a network trained to be what it lacks",
            needs=Need.TRAINER,
            metrics=METRICS,
            factory=_check,
            extra="explain",
        ),
    )


@hookimpl
def vetgate_labellers() -> Iterable[LabellerSpec]:
    """Declare the labeller; nobody is asked until the user names it."""
    summary = "any OpenAI-compatible vision endpoint, asked only where it is named"
    return (LabellerSpec(OPENAI_COMPATIBLE, summary, SETTINGS, _labeller),)
