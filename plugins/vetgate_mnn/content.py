"""A model's file, read before MNN does: it follows much of what a file says without a second look."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

from vetgate_runtime.flatbuffer import FlatBufferError
from vetgate_runtime.mnn import Entry, Net, Op, read
from vetgate_runtime.mnn_weight import Weights, weights_of

from vetgate.api import Port, UnreadableArtifact

_HINT = "copy or convert it again with MNN's converter"


@dataclass(frozen=True)
class Content:
    """What was read of a model."""

    path: Path
    net: Net
    inputs: tuple[Entry, ...]
    weights: tuple[tuple[Op, Weights], ...]
    """Of operators that hold some, in order."""

    @property
    def unread(self) -> tuple[str, ...]:
        """Return why weights cannot be told, each reason once."""
        return tuple(dict.fromkeys(held.unread for _, held in self.weights if held.unread))

    def ports(self) -> tuple[Port, ...]:
        """Return the inputs; files say one image also where the batch is free."""
        return tuple(Port(name=entry.name, shape=entry.shape, dtype=entry.dtype) for entry in self.inputs)


def load(path: Path) -> Content:
    """Read and check a file.

    Raises:
        UnreadableArtifact: Truncated or damaged, or with parts in other files.
    """
    try:
        with path.open("rb") as opened:
            net = read(memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)))
        weights = tuple((op, held) for op in net.ops if (held := weights_of(op)) != Weights())
        inputs = net.inputs
    except (FlatBufferError, ValueError, RecursionError, OverflowError) as error:
        raise UnreadableArtifact(f"is a truncated or damaged MNN model: {error}", hint=_HINT) from None
    if any(op.elsewhere for op in net.ops) or any(held.outside for _, held in weights):
        raise UnreadableArtifact(
            "keeps weights in another file", hint="convert it again without --saveExternalData, so that it is one file"
        )
    return Content(path, net, inputs, weights)
