"""What an output has to be, and how it becomes numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vetgate_runtime.feed import FED, shape_text

from vetgate.api import Port, UnreadableArtifact


def dequantise(raw: NDArray[np.generic], port: Port) -> NDArray[np.float32]:
    """Return an output as numbers."""
    numbers = raw.astype(np.float32)
    if port.scale is None:
        return numbers
    return (numbers - np.float32(port.zero_point or 0)) * np.float32(port.scale)


def check_output(port: Port) -> None:
    """Refuse an output that holds no class scores.

    Raises:
        UnreadableArtifact: It is not (N, C), or integers without a scale.
    """
    if len(port.shape) != 2:
        raise UnreadableArtifact(
            f"its output {port.name!r} has shape {shape_text(port)}; one row of class scores for each image is needed",
            hint="flatten it to (N, classes) when converting, or name another output in the card",
        )
    if port.dtype not in FED or (np.dtype(port.dtype).kind in "iu" and port.scale is None):
        raise UnreadableArtifact(
            f"its output {port.name!r} is {port.dtype} and the file states no scale for it",
            hint="convert the class scores, not the number of the best class",
        )
