"""The backend: describes from the FlatBuffer, runs with LiteRT's interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vetgate.api import Artifact, Card, Model, OpenOptions, Structure


class LitertBackend:
    """Opens TFLite models."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return what the file holds; nothing is run.

        Raises:
            UnreadableArtifact: Truncated or damaged.
        """
        from vetgate_litert.describe import describe

        return describe(artifact.file, card)

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Open the model with LiteRT's interpreter, XNNPACK on unless the card asks for its own kernels.

        Raises:
            UnreadableArtifact: Damaged, refused by the interpreter, or it does not take one image and answer with
                classes.
            CardError: The card contradicts the model.
        """
        from vetgate_litert.session import LitertModel

        yield LitertModel(artifact.file, card, options)
