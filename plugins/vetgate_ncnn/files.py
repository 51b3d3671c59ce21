"""The two files of a model, read before ncnn does: it follows what they say without a second look."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vetgate_runtime.ncnn import Data, Layer, NcnnError, Stored, end_of, parse, walk

from vetgate.api import Artifact, UnreadableArtifact

_LONGEST = 64 << 20
_HINT = "copy or convert it again: pnnx MODEL.pt writes MODEL.ncnn.param and MODEL.ncnn.bin"


@dataclass(frozen=True)
class Files:
    """What was read of a model."""

    text: Path
    weights: Path
    layers: tuple[Layer, ...]
    stored: tuple[Stored, ...]
    data: Data
    entries: dict[str, tuple[int | None, ...]]
    """Blobs that are fed, with the lengths (C, H, W) that the text states; None where it leaves one open."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Blobs that are fed."""
        return tuple(self.entries)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Blobs that nobody takes."""
        taken = {bottom for layer in self.layers for bottom in layer.bottoms}
        return tuple(top for layer in self.layers for top in layer.tops if top not in taken)

    def values(self, stored: Stored) -> NDArray[np.generic]:
        """Return a tensor's numbers, flat; where bytes stand for 256 numbers, those."""
        part = self.data[stored.start : stored.start + stored.length]
        if stored.dtype != "table":
            return np.frombuffer(part, np.dtype(stored.dtype))
        table = np.frombuffer(self.data[stored.start - 1024 : stored.start], np.float32)
        return np.asarray(table[np.frombuffer(part, np.uint8)])


def read(artifact: Artifact) -> Files:
    """Read and check both files.

    Raises:
        UnreadableArtifact: Truncated or damaged, or of layers whose weights are not known.
    """
    text = artifact.file
    weights = text.parent / artifact.members[1].name if len(artifact.members) > 1 else text.with_suffix(".bin")
    if weights == text or not weights.is_file():
        raise UnreadableArtifact(
            "has no weights beside it",
            hint="an ncnn model is two files: name the .param, and keep the .bin of the same name in its folder",
        )
    if text.stat().st_size > _LONGEST:
        raise UnreadableArtifact("is longer than any list of layers", hint=_HINT)
    try:
        layers = parse(text.read_text(encoding="utf-8"))
        data = _mapped(weights)
        entries = {top: tuple(layer.whole(key) or None for key in (2, 1, 0))
                   for layer in layers if layer.type == "Input" for top in layer.tops}  # fmt: skip
        stored = tuple(walk(layers, data))
        end = end_of(stored[-1]) if stored else 0
        if end != len(data):
            raise NcnnError(f"{len(data) - end:,} bytes of the weights belong to no layer")
    except (NcnnError, UnicodeDecodeError) as error:
        raise UnreadableArtifact(f"is a truncated or damaged ncnn model: {error}", hint=_HINT) from None
    return Files(text, weights, tuple(layers), stored, data, entries)


def _mapped(file: Path) -> Data:
    if file.stat().st_size == 0:
        return b""
    with file.open("rb") as opened:
        return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
