"""Inner tensors: which there are, and reading them from a session that keeps them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from vetgate_runtime.feed import in_batches
from vetgate_runtime.mnn import Op

from vetgate.api import Inconclusive, Tap, UnreadableArtifact, mark_feature_map
from vetgate_mnn.content import Content
from vetgate_mnn.engine import Engine

NOTES = ("inner tensors are read from a session that keeps them: MNN reuses their memory otherwise",)
_LINEAR = frozenset({"Convolution", "InnerProduct", "ConvInt8"})
_NO_IMAGES = frozenset({"Input", "Const", "TrainableParam", "Shape", "Rank", "Size", "Range"})
_PASSES = frozenset({"ConvertTensor", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"})


class Tapping:
    """Reads inner tensors of one model.

    Args:
        content: The model.
        sizes: Lengths of one image.
        batch: The fixed batch; None where it is free.
        threads: For one inference.
        precision: As the model computes in.
    """

    def __init__(
        self, content: Content, sizes: tuple[int, ...], batch: int | None, threads: int, precision: str
    ) -> None:
        self._content, self._batch = content, batch
        self._settings = (content.path, content.inputs[0], threads, precision)
        self._taps = _find(content, sizes, batch)
        self._kept: dict[tuple[str, ...], Engine] = {}

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors in the order in which they are computed."""
        return self._taps

    def read(self, fed: NDArray[np.generic], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the named tensors for what the input takes, (N, *shape).

        Raises:
            Inconclusive: A name is none of `taps`, or MNN fails.
        """
        known = {tap.name: tap.shape for tap in self._taps}
        strange = [name for name in names if name not in known]
        if strange:
            raise Inconclusive(f"the model has no inner tensor {strange[0]!r}", hint="vetgate inspect lists them")
        engine = self._engine(tuple(names))

        def one(name: str) -> NDArray[np.float32]:
            def run(part: NDArray[np.generic]) -> NDArray[np.float32]:
                values = np.asarray(engine.run(part, [name])[name], np.float32)
                return values.reshape(len(part), *known[name])

            return in_batches(fed, self._batch, run)

        try:
            if self._batch is not None:
                return {name: one(name) for name in names}
            found = engine.run(fed, names)
        except UnreadableArtifact as error:
            raise Inconclusive(f"MNN cannot read its inner tensors: {error.message}") from None
        return {name: np.asarray(found[name], np.float32).reshape(len(fed), *known[name]) for name in names}

    def _engine(self, names: tuple[str, ...]) -> Engine:
        if names not in self._kept:
            self._kept = {names: Engine(*self._settings, kept=names)}  # one: each holds weights
        return self._kept[names]


def _find(content: Content, sizes: tuple[int, ...], batch: int | None) -> tuple[Tap, ...]:
    names = content.net.tensors
    engine = Engine(content.path, content.inputs[0], threads=1, kept=names)
    told = []
    for images in (batch, batch) if batch is not None else (1, 2):
        if not engine.fits((images, *sizes)):
            return ()
        told.append((images, engine.shapes()))
    weighted = {id(op) for op, held in content.weights if any(stored.name == "weight" for stored in held.stored)}
    shapes = {name: shape for name in names if (shape := _of_one(name, told)) and names.count(name) == 1}
    inner = _of_images(content)
    last = _last_linear([op for op in inner if id(op) in weighted], content, shapes)
    made, layer = [], 0
    for op in inner:
        layer += id(op) in weighted
        name, own = names[op.outputs[0]], id(op) in weighted
        if name in shapes and op.type != "ConvertTensor":  # which packs the same numbers otherwise
            made.append(
                Tap(name=name, shape=shapes[name], layer=layer, operator=op.type, weighted=own, features=name == last)
            )
    return mark_feature_map(made)


def _of_one(name: str, told: Sequence[tuple[int, dict[str, tuple[int, ...]]]]) -> tuple[int, ...]:
    """Return the shape of one image's tensor: (C, H, W), (T, D) or (D,); empty where it is none of these."""
    shapes = [shape[1:] for images, found in told if (shape := found.get(name, ()))[:1] == (images,)]
    return shapes[0] if len(shapes) == 2 and shapes[0] == shapes[1] and len(shapes[0]) <= 3 else ()


def _of_images(content: Content) -> list[Op]:
    """Return the operators of one result that depends on the image, in order."""
    reached = {op.outputs[0] for op in content.net.ops if op.type == "Input"}
    found = []
    for op in content.net.ops:
        if op.type not in _NO_IMAGES and len(op.outputs) == 1 and reached.intersection(op.inputs):
            reached.update(op.outputs)
            found.append(op)
    return found


def _last_linear(layers: Sequence[Op], content: Content, shapes: dict[str, tuple[int, ...]]) -> str:
    """Return the name of what the last layer takes where that is linear; empty where it is not."""
    if not layers or layers[-1].type not in _LINEAR:
        return ""
    makers = {place: op for op in content.net.ops for place in op.outputs}
    found, given = "", layers[-1].inputs
    while given and given[0] in makers:
        op = makers[given[0]]
        name = content.net.tensors[given[0]]
        if op.type != "ConvertTensor" and math.prod(shapes.get(name, (1, 2))[1:]) == 1:
            found = name
        given = op.inputs if op.type in _PASSES else ()
    return found
