"""The backend: describes from the file and the shapes that MNN infers, runs with MNN."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vetgate.api import Artifact, Card, Model, OpenOptions, Structure


class MnnBackend:
    """Opens MNN models."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return what the file holds; MNN infers shapes, and runs nothing.

        Raises:
            UnreadableArtifact: Truncated or damaged, or refused by MNN.
        """
        from vetgate_mnn.describe import describe

        return describe(artifact.file, card)

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Open the model on the CPU; float32 unless the card says otherwise.

        Raises:
            UnreadableArtifact: MNN refuses it, or it does not take one image and answer with classes.
            CardError: The card contradicts the model, or asks for a precision that MNN does not take here.
        """
        from vetgate_mnn.session import MnnModel

        yield MnnModel(artifact.file, card, options)
