"""The backend: describes from the two files, runs with ncnn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vetgate.api import Artifact, Card, Model, OpenOptions, Structure


class NcnnBackend:
    """Opens ncnn models."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return what the files hold; an image of zeros tells shapes where a card gives its size.

        Raises:
            UnreadableArtifact: Truncated or damaged, or of layers whose weights are not known.
        """
        from vetgate_ncnn.describe import describe

        return describe(artifact, card)

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Open the model on the CPU; float32 unless the card says otherwise.

        Raises:
            UnreadableArtifact: ncnn refuses it, or it does not take one image and answer with classes.
            CardError: The card contradicts the model.
        """
        from vetgate_ncnn.session import NcnnModel

        yield NcnnModel(artifact, card, options)
