"""Making compressed variants of a reference: what a compressor is given and gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vetgate.domain.card import Card
from vetgate.domain.record import Record
from vetgate.domain.setting import Setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Takes(StrEnum):
    """What a compressor works on."""

    MODULE = "module"
    """The reference as a live PyTorch module."""
    ONNX = "onnx"
    """An ONNX file: the step before it, or the reference itself (exported first, where it is a module)."""


class Wants(StrEnum):
    """What a compressor cannot do without."""

    CALIBRATION = "calibration"
    """Images without labels, none of them of the vetting data."""
    TRAINING = "training"
    """Images with labels, none of them of the vetting data."""
    DONOR = "donor"
    """Another trained model of the same architecture."""


class Step(Record):
    """One compressor with its settings."""

    compressor: str
    settings: dict[str, Setting] = {}


class Recipe(Record):
    """A variant: one step, or several in sequence."""

    name: str
    """File name without suffix, unique in a study, such as `prune-l1-50`."""
    family: str
    """What the deviation table and the landscape group by, such as `L1 pruning`."""
    label: str
    """What tells it apart within its family, such as `50 %`."""
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class TrainingSet:
    """Images to train or calibrate on, as they reach the card's scaling."""

    pixels: NDArray[np.uint8]
    """(N, H, W, C) resized and cropped as the card says; C = 1 grey or 3 RGB."""
    labels: NDArray[np.int64] | None
    """(N,) in the reference's class order."""

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class Bench:
    """Everything that one step may use. Lives in a child process."""

    source: Path
    """The file to compress: an ONNX file where the compressor takes one, else the reference's."""
    output: Path
    """The ONNX file to write."""
    card: Card
    """Of the reference; the variant keeps it."""
    module: Callable[[], Any]
    """Returns the reference as a fresh torch.nn.Module in eval mode; raises Inconclusive where it is none."""
    donor: Callable[[], Any] | None
    """Returns the donor likewise."""
    initial: Callable[[], Any] | None
    """Returns the reference's architecture with the weights that its training started from, where they are known."""
    calibration: TrainingSet | None
    training: TrainingSet | None
    normalise: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    """Turns pixels (N, H, W, C) into what the model takes, as the card says."""
    settings: Mapping[str, Setting]
    seed: int
    threads: int
    tell: Callable[[str, int, int], None]
    """Told (what, done, total) of progress; to be called often."""


class Made(Record):
    """What a step reports besides its file."""

    notes: tuple[str, ...] = ()
    """What a reader must know, such as tensors that were left alone."""
    training_seconds: float | None = None
    """Wall-clock time of training, where there was any."""
    epochs: int | None = None
    images: int | None = None
    """Images seen in one epoch."""


class Compressor(Protocol):
    """Makes one variant."""

    def compress(self, bench: Bench) -> Made:
        """Write the variant to `bench.output`, a valid ONNX file with the reference's inputs and logits.

        Raises:
            Inconclusive: This model cannot be compressed so, with the reason (no tensor large enough, no channel that
                may go): an answer, and no failure.
            UsageError: A setting is unknown or out of range, or the donor, the weights or the labels do not fit.
            WorkerFailed: A library failed, or a training diverged: nothing is known of what the model can bear.
        """
        ...
