"""MNN's own interpreter on the CPU."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import MNN
import numpy as np
from numpy.typing import NDArray
from vetgate_runtime.feed import one_line
from vetgate_runtime.mnn import Entry

from vetgate.api import UnreadableArtifact

PRECISIONS = {"float32": 1, "float16": 2, "bfloat16": 3}
"""MNN's numbers: high, low, low with bfloat16."""
_RESIZED, _THREADS = 3, 4
_HINT = "vetgate inspect shows what the file holds; convert it again for this version of MNN"
_KINDS = {"float32": MNN.Halide_Type_Float, "uint8": MNN.Halide_Type_Uint8, "int32": MNN.Halide_Type_Int}


class Engine:
    """One session of a model.

    Args:
        path: The file, checked before.
        entry: What is fed.
        threads: For one inference.
        precision: float32, float16 or bfloat16; MNN takes it where it can, and says nothing where it cannot.
        kept: Inner tensors that shall be readable.

    Raises:
        UnreadableArtifact: MNN refuses it, or it takes numbers that cannot be fed.
    """

    def __init__(
        self, path: Path, entry: Entry, threads: int, precision: str = "float32", kept: Sequence[str] = ()
    ) -> None:
        if entry.dtype not in _KINDS or entry.layout == "unknown":
            raise UnreadableArtifact(f"takes {entry.dtype} in the order {entry.layout}", hint=_HINT)
        self._entry, self._batch = entry, 0
        self._order = MNN.Tensor_DimensionType_Caffe if entry.layout == "NCHW" else MNN.Tensor_DimensionType_Tensorflow
        settings = {"backend": "CPU", "numThread": threads, "precision": PRECISIONS[precision]}
        if kept:
            settings["saveTensors"] = tuple(kept)
        try:
            self._net = MNN.Interpreter(str(path))
            self._session = self._net.createSession(settings)
        except Exception as error:  # its bindings raise Exception itself
            raise UnreadableArtifact(f"MNN {version()} cannot open it: {one_line(error)}", hint=_HINT) from None

    @property
    def threads(self) -> int:
        """Return how many threads the session has got."""
        return self._told(_THREADS)

    def fits(self, images: tuple[int, ...]) -> bool:
        """Make room for so many images, (N, ...); return whether shapes of all operators can be inferred."""
        if images[0] != self._batch:
            self._net.resizeTensor(self._net.getSessionInput(self._session, self._entry.name), images)
            self._net.resizeSession(self._session)
            self._batch = images[0]
        return self._told(_RESIZED) == 0

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of outputs and of inner tensors that are kept, channels first."""
        found = self._net.getSessionOutputAll(self._session)
        return {name: _shape(tensor) for name, tensor in found.items()}

    def run(self, fed: NDArray[np.generic], names: Sequence[str]) -> dict[str, NDArray[np.generic]]:
        """Return tensors for images, copies of their own, channels first.

        Raises:
            UnreadableArtifact: MNN fails.
        """
        if not self.fits(fed.shape):
            raise UnreadableArtifact(
                f"MNN cannot infer shapes for {len(fed)} images at once",
                hint="its batch is fixed inside the graph: export it with a batch that is fixed or free throughout",
            )
        given = self._net.getSessionInput(self._session, self._entry.name)
        given.copyFrom(MNN.Tensor(fed.shape, _KINDS[self._entry.dtype], np.ascontiguousarray(fed), self._order))
        problem = self._net.runSession(self._session)
        if problem:
            raise UnreadableArtifact(f"MNN failed while running it (it answers {problem})", hint=_HINT)
        return {name: self._read(name) for name in names}

    def _read(self, name: str) -> NDArray[np.generic]:
        tensor = self._net.getSessionOutput(self._session, name)
        host = MNN.Tensor(tensor, MNN.Tensor_DimensionType_Caffe)
        tensor.copyToHostTensor(host)
        return np.array(host.getNumpyData())

    def _told(self, what: int) -> int:
        """Return a whole number that the session tells of itself; the bindings hand out its bytes as a float."""
        return int(struct.unpack("<i", struct.pack("<f", self._net.getSessionInfo(self._session, what)))[0])


def _shape(tensor: MNN.Tensor) -> tuple[int, ...]:
    shape = tuple(int(length) for length in tensor.getShape())
    if tensor.getDimensionType() == MNN.Tensor_DimensionType_Tensorflow and len(shape) == 4:
        return (shape[0], shape[3], shape[1], shape[2])
    return shape


def version() -> str:
    """Return MNN's version."""
    return str(MNN.version())
