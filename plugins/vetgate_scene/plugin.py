"""What this plugin declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vetgate.api import Check, CheckSpec, DetectionContext, Need, SegmentationContext, Task, hookimpl
from vetgate_scene.metrics import DETECTION, SEGMENTATION


def _segmentation() -> Check[SegmentationContext]:
    from vetgate_scene.segmentation import SegmentationCheck

    return SegmentationCheck()


def _detection() -> Check[DetectionContext]:
    from vetgate_scene.detection import DetectionCheck

    return DetectionCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """Declare the checks of maps and of boxes."""
    return (
        CheckSpec[SegmentationContext](
            name="segmentation",
            summary="intersection over union, pixel accuracy and agreement of maps of classes",
            needs=Need.TABLE,
            metrics=SEGMENTATION,
            factory=_segmentation,
            tasks=(Task.SEGMENTATION,),
        ),
        CheckSpec[DetectionContext](
            name="detection",
            summary="average precision, recall and precision of the objects found, and which are found again",
            needs=Need.TABLE,
            metrics=DETECTION,
            factory=_detection,
            extra="detection",
            tasks=(Task.DETECTION,),
        ),
    )
