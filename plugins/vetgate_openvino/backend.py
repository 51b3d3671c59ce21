"""The backend: describes and runs with OpenVINO."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vetgate.api import Artifact, Card, Model, OpenOptions, Structure


class OpenvinoBackend:
    """Opens OpenVINO IR, and ONNX."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return what the file holds; nothing is run.

        Raises:
            UnreadableArtifact: Truncated or damaged.
        """
        from vetgate_openvino.describe import describe

        return describe(artifact, card)

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Open the model on OpenVINO's CPU device and in float32 unless the card says otherwise.

        Raises:
            UnreadableArtifact: OpenVINO refuses it, or it does not take one image and answer with classes.
            CardError: The card contradicts the model.
        """
        from vetgate_openvino.session import OpenvinoModel

        yield OpenvinoModel(artifact, card, options)
