"""The backend: describes and runs with Keras on PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vetgate.api import Artifact, Card, Model, OpenOptions, Structure


class KerasBackend:
    """Opens archives of Keras 3."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return what the archive holds; the network is built, and not run.

        Raises:
            UnreadableArtifact: Truncated or damaged, or it names more than Keras' own layers.
        """
        from vetgate_keras.describe import describe

        return describe(artifact.file)

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Open the model on the CPU.

        Raises:
            UnreadableArtifact: Keras refuses it, or it does not take one image and answer with classes.
            CardError: The card contradicts the model.
        """
        from vetgate_keras.session import KerasModel

        yield KerasModel(artifact.file, card, options)
