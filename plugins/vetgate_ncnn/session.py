"""A model opened with ncnn."""

from __future__ import annotations

from collections import Counter

import ncnn
import numpy as np
from numpy.typing import NDArray
from vetgate_runtime.feed import as_scores, check_input, choose_output, only_input

from vetgate.api import Artifact, Card, CardError, Execution, OpenOptions, Port
from vetgate_ncnn.files import Files, read
from vetgate_ncnn.network import Network


class NcnnModel:
    """Runs on the CPU, one image after the other: ncnn knows no batches.

    Args:
        artifact: The model.
        card: How it is fed and read, and the precision that it asks for.
        options: Threads; the batch size is not needed.

    Raises:
        UnreadableArtifact: ncnn refuses it, or it does not take one image and answer with classes.
        CardError: The card contradicts the model.
    """

    def __init__(self, artifact: Artifact, card: Card, options: OpenOptions) -> None:
        files = read(artifact)
        if card.input.layout != "NCHW":
            raise CardError(
                "the card says NHWC images, but ncnn takes channels first", hint="write layout: NCHW in the card"
            )
        self._entry = only_input([Port(name=name, shape=_shape(files, name), dtype="float32") for name in files.inputs])
        check_input(self._entry, card)
        self._exit = files.outputs[choose_output(files.outputs, card)]
        self._network = Network(files, card, options.threads)
        self._execution = _execution(files, self._network.settings, options.threads)

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return self._execution

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw outputs (N, C); see vetgate.api.Model."""
        rows = [self._network.run(self._entry.name, image, self._exit) for image in images]
        return as_scores(np.stack(rows), self._exit, len(images))


def _shape(files: Files, name: str) -> tuple[int | None, ...]:
    """Return the shape of an input (1, C, H, W), None where the file leaves a length open."""
    layer = next(layer for layer in files.layers if name in layer.tops)
    return (None, *(layer.whole(key) or None for key in (2, 1, 0)))


def _execution(files: Files, wanted: str, threads: int) -> Execution:
    weighed: Counter[str] = Counter()
    for stored in files.stored:
        if stored.slot.kind == "parameter":
            weighed["int8" if stored.dtype == "int8" else wanted] += stored.slot.count
    notes = ["one image at a time: ncnn knows no batches"]
    if any(stored.dtype == "float16" for stored in files.stored) and wanted == "float32":
        notes.append("weights stored in float16 are computed with in float32")
    if wanted != "float32":
        notes.append(f"{wanted} was allowed; ncnn takes it where the processor can")
    return Execution(
        runtime="ncnn",
        version=str(ncnn.__version__),
        provider="CPU",
        threads=threads,
        precision=weighed.most_common(1)[0][0] if weighed else "unknown",
        notes=tuple(notes),
    )
