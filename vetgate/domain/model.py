"""A model that can be run, and the backend that opens it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pydantic import NonNegativeFloat, NonNegativeInt

from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.record import Record
from vetgate.domain.structure import Structure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Tap(Record):
    """One inner tensor of a model that can be read while it predicts."""

    name: str
    """As the file or the module calls it; unique within the model."""
    shape: tuple[int, ...]
    """Of one image, channels first: (C, H, W), (T, D) or (D,)."""
    layer: int
    """Layers that multiply weights (convolution, linear) run up to it, its own included; 0 before the first."""
    operator: str
    """What made it, in the format's own word, such as Conv, aten.relu or CONV_2D."""
    weighted: bool = False
    """Whether its operator is one of these layers."""
    features: bool = False
    """Whether it is what the last linear layer takes: the penultimate features (D,), or (D, 1, 1) where that layer is a
    convolution of one position."""
    spatial: bool = False
    """Whether it is the last (C, H, W) tensor before pooling and classifier: the feature map."""


_POOLS = re.compile(r"pool|mean", re.IGNORECASE)
"""Operators that leave no map of an image, in every format's words."""
_NO_MAPS = re.compile(
    r"matmul|bmm|gemm|einsum|linear|fully_?connected|innerproduct|softmax|attention|attn|lstm|gru|rnn|reshape|view|"
    r"permute|transpose|gather|squeeze",
    re.IGNORECASE,
)
"""Operators of attention and recurrence, and those that move axes: three lengths after them need not be a picture."""
_CONVOLUTIONS = re.compile(r"conv", re.IGNORECASE)
_RESIZES = re.compile(r"resize|upsample|interp|depth_?to_?space|pixel_?shuffle", re.IGNORECASE)


def mark_feature_map(taps: Sequence[Tap]) -> tuple[Tap, ...]:
    """Return taps with the last (C, H, W) tensor of more than one position that no pooling made marked as `spatial`.

    In a model with convolutions it has the height and width of what one of them, or a resize, gave: the heads and
    tokens of attention are three lengths, too, and no map.

    Args:
        taps: In the order in which they are computed.
    """
    maps = [
        place
        for place, tap in enumerate(taps)
        if len(tap.shape) == 3
        and tap.shape[1] * tap.shape[2] > 1
        and not _POOLS.search(tap.operator)
        and not _NO_MAPS.search(tap.operator)
    ]
    drawn = {taps[place].shape[1:] for place in maps if _draws(taps[place].operator)}
    if any(_CONVOLUTIONS.search(taps[place].operator) for place in maps):
        maps = [place for place in maps if taps[place].shape[1:] in drawn]
    last = maps[-1] if maps else None
    return tuple(tap.model_copy(update={"spatial": place == last}) for place, tap in enumerate(taps))


def _draws(operator: str) -> bool:
    return bool(_CONVOLUTIONS.search(operator) or _RESIZES.search(operator))


class OpenOptions(Record):
    """How to open a model."""

    threads: int = 1
    """Threads that the runtime may use for one inference."""
    batch_size: int = 1
    """The most images that will come at once."""
    architecture: str | None = None
    """`FILE.py:CALLABLE`, `MODULE:CALLABLE`, `torchvision/NAME` or `timm/NAME`; named by the user."""
    line: int | None = None
    """Descriptor by which the child of a service asks the gate for connections (`vetgate.api.Line`); None for files."""


class Placed(Record):
    """How many operators of a model run in one place."""

    provider: str
    operators: NonNegativeInt
    """Those that were handed to a delegate as one part, and of which nothing else is known, count as one."""


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
    placed: tuple[Placed, ...] = ()
    """Where the operators run, most first; empty where the runtime does not say."""

    @property
    def whole(self) -> bool:
        """Whether all operators are known to run on one provider, which is the one that is told."""
        if self.placed:
            return [place.provider for place in self.placed if place.operators] == [self.provider]
        return "," not in self.provider and self.provider != "unknown"


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


@runtime_checkable
class NamedModel(Model, Protocol):
    """A model that hands over its outputs by name, so that more than a row of class scores can be read from it."""

    def outputs(self, images: NDArray[np.float32], names: Sequence[str | None]) -> list[NDArray[np.float32]]:
        """Return outputs as the model gives them, de-quantised; the first axis is that of the images where it has one.

        Args:
            images: As `predict` takes them.
            names: Of outputs; None is the only output of a model that has one.

        Raises:
            UnreadableArtifact: The runtime fails, or a batch that is fixed in the model cannot be taken apart.
        """
        ...


class ServerTimes(Record):
    """What a server counted of the requests that it answered, beside what they took where they were sent from."""

    requests: NonNegativeInt
    """That it counted, of whomever."""
    queue: NonNegativeFloat
    """Seconds that they waited there, in all."""
    compute: NonNegativeFloat
    """Seconds that the model took there, in all, with taking in tensors and giving them out."""
    sent: NonNegativeInt = 0
    """Requests that we sent."""
    seconds: NonNegativeFloat = 0.0
    """That ours took where they were sent from, in all."""


@runtime_checkable
class CountedModel(Model, Protocol):
    """A model on a server that counts what becomes of requests."""

    def server_times(self) -> ServerTimes | None:
        """Return what the server counted since it started, and what we sent; None where it counts nothing."""
        ...


@runtime_checkable
class TappedModel(Model, Protocol):
    """A model whose inner tensors can be read."""

    def taps(self) -> tuple[Tap, ...]:
        """Return the floating-point tensors that can be read, in the order in which they are computed.

        Quantised tensors count and are read de-quantised; constants do not.
        """
        ...

    def tap_notes(self) -> tuple[str, ...]:
        """Return what a reader of inner tensors must know, such as that fusions are off while they are read."""
        ...

    def capture(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the named tensors for a batch, (N, *shape) with channels first, de-quantised.

        Args:
            images: As `predict` takes them.
            names: Of `taps`.
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


@runtime_checkable
class ModuleBackend(Backend, Protocol):
    """A backend that can hand a model over as a live PyTorch module, to be trained or taken apart."""

    def load_module(self, artifact: Artifact, card: Card, options: OpenOptions) -> Any:  # noqa: ANN401  # a torch.nn.Module, which the core does not know
        """Return a fresh torch.nn.Module in eval mode whose weights may be changed.

        It takes images (N, channels, H, W) as the card makes them and returns logits or probabilities (N, C).

        Raises:
            Inconclusive: The file holds no module that could be changed.
            CardError: Nobody names the architecture of plain weights, or they do not fit it.
        """
        ...
