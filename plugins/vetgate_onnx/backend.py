"""The backend: describes with onnx, runs with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vetgate.api import Artifact, Card, Model, OpenOptions, Structure


class OnnxBackend:
    """Opens ONNX models."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return what the file holds; nothing is run.

        Raises:
            UnreadableArtifact: Truncated or damaged.
        """
        from vetgate_onnx.describe import describe

        return describe(artifact.file, card)

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Open the model on ONNX Runtime's CPU provider.

        Raises:
            UnreadableArtifact: ONNX Runtime refuses it, or it does not take one image and answer with classes.
            CardError: The card contradicts the model.
        """
        from vetgate_onnx.session import OnnxModel

        yield OnnxModel(artifact.file, card, options)
