"""The backend: describes with onnx, runs with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
        """Open the model with ONNX Runtime, on its CPU provider unless the card asks for another.

        Raises:
            UnreadableArtifact: ONNX Runtime refuses it, or it does not take one image and answer with classes.
            CardError: The card contradicts the model, or asks for a provider that is not there.
        """
        from vetgate_onnx.session import OnnxModel

        yield OnnxModel(artifact.file, card, options)

    def load_module(self, artifact: Artifact, card: Card, options: OpenOptions) -> Any:  # noqa: ANN401  # a torch.nn.Module; torch is imported where it is needed
        """Return the model as a fresh torch.nn.Module in eval mode; it takes images as the card's layout says.

        Raises:
            Inconclusive: It is quantised, or cannot be converted so that it answers the same.
            CardError: The card does not name one of several outputs.
            MissingExtra: onnx2torch or PyTorch is not installed.
        """
        from vetgate_onnx.module import load_module

        return load_module(artifact, card, options.threads)
