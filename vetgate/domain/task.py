"""What kind of answer a model gives to an image."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """What is asked of an image: which class it is of, which class each pixel is of, or which objects are where."""

    CLASSIFICATION = "classification"
    SEGMENTATION = "segmentation"
    DETECTION = "detection"


ANY_TASK = tuple(Task)
"""For checks and backends to which it is all one."""
