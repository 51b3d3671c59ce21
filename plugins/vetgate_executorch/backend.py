"""The backend: describes from the file, runs with ExecuTorch's runtime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vetgate.api import Artifact, Card, Model, OpenOptions, Structure


class ExecutorchBackend:
    """Opens ExecuTorch programs."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return what the file holds; nothing is run.

        Raises:
            UnreadableArtifact: Truncated or damaged.
        """
        from vetgate_executorch.describe import describe

        return describe(artifact.file)

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Open the program.

        Raises:
            UnreadableArtifact: ExecuTorch refuses it, or it does not take one image and answer with classes.
            CardError: The card contradicts the model.
        """
        from vetgate_executorch.session import ExecutorchModel

        yield ExecutorchModel(artifact.file, card, options)
