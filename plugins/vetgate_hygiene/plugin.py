"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vetgate.api import ANY_TASK, Check, CheckSpec, ImagesContext, Need, TableContext, hookimpl
from vetgate_hygiene.metrics import OF_ANSWERS, OF_IMAGES


def _hygiene() -> Check[ImagesContext]:
    from vetgate_hygiene.check import HygieneCheck

    return HygieneCheck()


def _doubts() -> Check[TableContext]:
    from vetgate_hygiene.doubts import LabelDoubts

    return LabelDoubts()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """Declare the check of the images and that of their labels."""
    return (
        CheckSpec[ImagesContext](
            name="hygiene",
            tasks=ANY_TASK,
            summary="vetted images that models were calibrated or trained on, that come twice, or under two labels",
            needs=Need.IMAGES,
            metrics=OF_IMAGES,
            factory=_hygiene,
        ),
        CheckSpec[TableContext](
            name="label-doubts",
            summary="vetted images whose label neither model believes",
            needs=Need.TABLE,
            metrics=OF_ANSWERS,
            factory=_doubts,
        ),
    )
