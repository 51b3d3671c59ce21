"""A model opened with ncnn."""

from __future__ import annotations

from collections import Counter

import ncnn
import numpy as np
from numpy.typing import NDArray
from vetgate_runtime.feed import as_scores, check_input, choose_output, image_shape, only_input

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
        self._entry = only_input(
            [Port(name=name, shape=(None, *shape), dtype="float32") for name, shape in files.entries.items()]
        )
        check_input(self._entry, card)
        self._exit = files.outputs[choose_output(files.outputs, card.output.name)]
        self._network = Network(files, card, options.threads)
        self._require_precision(files, card)
        self._execution = _execution(files, self._network.settings, options.threads)

    def _require_precision(self, files: Files, card: Card) -> None:
        """Make sure that it computes as asked, which ncnn tells nobody.

        Raises:
            CardError: Answers to noise are those of float32 to the last bit.
        """
        wanted = self._network.settings
        if wanted == "float32":
            return
        plain = Network(files, card.model_copy(update={"execution": None}), threads=1)
        noise = np.random.default_rng(0).random(image_shape(card), dtype=np.float32)
        answers = [network.run(self._entry.name, noise, self._exit) for network in (plain, self._network)]
        if np.array_equal(answers[0], answers[1]):
            raise CardError(
                f"{wanted} was asked for, but ncnn computes in float32 on this processor",
                hint="leave execution.precision out where it is asked for (in the card, --execution or "
                "--reference-execution, vetgate.yaml), or vet the model on a processor that has it",
            )

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return self._execution

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw outputs (N, C); see vetgate.api.Model."""
        rows = [self._network.run(self._entry.name, image, self._exit) for image in images]
        return as_scores(np.stack(rows), self._exit, len(images))


def _execution(files: Files, wanted: str, threads: int) -> Execution:
    weighed: Counter[str] = Counter()
    for stored in files.stored:
        if stored.slot.kind == "parameter":
            weighed["int8" if stored.dtype == "int8" else wanted] += stored.slot.count
    notes = ["one image at a time: ncnn knows no batches"]
    if any(stored.dtype == "float16" for stored in files.stored) and wanted == "float32":
        notes.append("weights stored in float16 are computed with in float32")
    return Execution(
        runtime="ncnn",
        version=str(ncnn.__version__),
        provider="CPU",
        threads=threads,
        precision=weighed.most_common(1)[0][0] if weighed else "unknown",
        notes=tuple(notes),
    )
