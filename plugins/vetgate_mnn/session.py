"""A model opened with MNN."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vetgate_runtime.feed import as_scores, as_taken, check_input, choose_output, image_shape, in_batches, only_input

from vetgate.api import Card, CardError, Execution, OpenOptions, Tap
from vetgate_mnn.content import Content, load
from vetgate_mnn.describe import is_free
from vetgate_mnn.engine import Engine, version
from vetgate_mnn.taps import NOTES, Tapping


class MnnModel:
    """Runs on the CPU alone.

    Args:
        path: The model.
        card: How it is fed and read, and the precision that it asks for.
        options: Threads, and the most images at once.

    Raises:
        UnreadableArtifact: MNN refuses it, or it does not take one image and answer with classes.
        CardError: The card contradicts the model, or asks for a precision that MNN does not take here.
    """

    def __init__(self, path: Path, card: Card, options: OpenOptions) -> None:
        self._content = load(path)
        self._port = only_input(self._content.ports())
        self._entry = self._content.inputs[0]
        if self._entry.layout != card.input.layout:
            raise CardError(
                f"the card says {card.input.layout} images, but the model takes {self._entry.layout}",
                hint=f"write layout: {self._entry.layout} in the card",
            )
        check_input(self._port, card)
        names = self._content.net.outputs
        self._name = names[choose_output(names, card.output.name)]
        self._wanted = (card.execution.precision if card.execution else None) or "float32"
        self._sizes, self._threads = image_shape(card), options.threads
        self._engine = Engine(path, self._entry, options.threads, self._wanted)
        self._batch = None if is_free(self._engine, self._sizes, (self._name,)) else self._entry.shape[0] or 1
        self._require_precision()
        self._tapping: Tapping | None = None

    @property
    def execution(self) -> Execution:
        """What really runs."""
        return Execution(
            runtime="mnn",
            version=version(),
            provider="CPU",
            threads=self._engine.threads,
            precision=precision_of(self._content, self._wanted),
            notes=_notes(self._content, self._wanted),
        )

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return raw outputs (N, C); see vetgate.api.Model."""
        return in_batches(as_taken(images, self._port), self._batch, self._run)

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors whose shapes are known, in the order of the file."""
        return self._tapped().taps()

    def tap_notes(self) -> tuple[str, ...]:
        """Return what a reader of inner tensors must know."""
        return NOTES

    def capture(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the named inner tensors (N, *shape); see vetgate.api.TappedModel.

        Raises:
            Inconclusive: A name is none of `taps`.
        """
        return self._tapped().read(as_taken(images, self._port), tuple(names))

    def _tapped(self) -> Tapping:
        """Return what reads inner tensors, made when it is first asked for."""
        if self._tapping is None:
            self._tapping = Tapping(self._content, self._sizes, self._batch, self._threads, self._wanted)
        return self._tapping

    def _run(self, fed: NDArray[np.generic]) -> NDArray[np.float32]:
        return as_scores(self._engine.run(fed, [self._name])[self._name], self._name, len(fed))

    def _require_precision(self) -> None:
        """Refuse a precision that changes nothing: MNN does not say where it computes in float32 all the same."""
        if self._wanted == "float32":
            return
        noise = np.random.default_rng(0).random((self._batch or 1, *self._sizes), dtype=np.float32)
        fed = as_taken(noise, self._port)
        plain = Engine(self._content.path, self._entry, self._threads).run(fed, [self._name])[self._name]
        if np.array_equal(plain, self._engine.run(fed, [self._name])[self._name]):
            raise CardError(
                f"{self._wanted} was asked for, but MNN computes in float32 on this processor",
                hint="leave execution.precision out where it is asked for (in the card, --execution or "
                "--reference-execution, vetgate.yaml), or vet the model on a processor that has it",
            )


def precision_of(content: Content, wanted: str) -> str:
    """Return the precision of most of the arithmetic: int8 for integer kernels, else what is asked for."""
    weighed: Counter[str] = Counter()
    for op, held in content.weights:
        for stored in held.stored:
            if stored.name == "weight":
                weighed["int8" if _is_integer(op.type, stored.dtype, stored.scales) else wanted] += stored.elements
    return weighed.most_common(1)[0][0] if weighed else wanted


def _is_integer(kind: str, dtype: str, scales: memoryview) -> bool:
    return kind in ("ConvInt8", "DepthwiseConvInt8") or (dtype == "int8" and not scales)


def _notes(content: Content, wanted: str) -> tuple[str, ...]:
    stored = {stored.dtype for _, held in content.weights for stored in held.stored if stored.name == "weight"}
    scaled = any(stored.scales for _, held in content.weights for stored in held.stored)
    told = []
    if "float16" in stored:
        told.append(f"weights stored in float16 are computed with in {wanted}")
    if scaled:
        told.append(f"weights stored in 8 bits or fewer are computed with in {wanted}")
    return tuple(told)
