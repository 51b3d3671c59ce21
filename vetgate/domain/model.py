"""A model that can be run, and the backend that opens it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.record import Record
from vetgate.domain.structure import Structure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class OpenOptions(Record):
    """How to open a model."""

    threads: int = 1
    """Threads that the runtime may use for one inference."""
    batch_size: int = 1
    """The most images that will come at once."""
    architecture: str | None = None
    """`FILE.py:CALLABLE`, `MODULE:CALLABLE`, `torchvision/NAME` or `timm/NAME`; named by the user."""


class Execution(Record):
    """What really ran, as the runtime says after opening."""

    runtime: str
    """Such as `onnxruntime`."""
    version: str
    provider: str
    """Execution provider or delegate: CPUExecutionProvider, XNNPACK, eager, ..."""
    threads: int
    precision: str
    """Precision of most of the arithmetic, such as float32 or int8."""
    notes: tuple[str, ...] = ()


class Model(Protocol):
    """An opened model."""

    @property
    def execution(self) -> Execution:
        """What really runs."""
        ...

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the raw outputs (N, C) of the card's output, de-quantised; offset columns included.

        Args:
            images: (N, channels, H, W) or (N, H, W, channels), as the card's layout says, already scaled and
                normalised. The model casts or quantises them to what its input takes (rounding and clipping). Any N
                from 1 to the batch size of the options.
        """
        ...


class Backend(Protocol):
    """Opens the formats that its BackendSpec names. Runs in a child process only."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return what the file holds; no inference: code inside the file sees shapes at most, never values.

        Raises:
            UnreadableArtifact: Truncated, corrupt or refused.
        """
        ...

    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> AbstractContextManager[Model]:
        """Open the model for prediction.

        Raises:
            UnreadableArtifact: The runtime refuses it.
            CardError: The card contradicts the model.
        """
        ...
