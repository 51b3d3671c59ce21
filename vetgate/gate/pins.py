"""What a model's answers depend on, and so what they are kept under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from vetgate import environment
from vetgate.domain.artifact import Artifact
from vetgate.domain.deployment import Deployment
from vetgate.domain.model import OpenOptions
from vetgate.inference.cache import key_of


@dataclass(frozen=True)
class Pins:
    """Everything about a model that its answers depend on; not the images that it is shown."""

    artifact: Artifact
    card: str | None
    """Digest of the card as it was found."""
    options: OpenOptions
    execution: Deployment | None
    """What card and run ask for together; batches are among `options`."""
    code: str | None
    """Digest of the code that an architecture names; None where nothing pins that."""
    versions: Mapping[str, str]
    """Of the distributions that open it."""

    def key(self, what: str, **more: object) -> str:
        """Return the digest.

        Args:
            what: The key is for.
            more: What else it depends on.
        """
        return key_of(
            {
                **more,
                "what": what,
                "processor": environment.processor(),
                "core": {name: metadata.version(name) for name in ("vetgate", "numpy")},
                "artifact": self.artifact.sha256,
                "format": self.artifact.format,
                "backend": self.artifact.backend,
                "card": self.card,
                "options": self.options.model_dump(),
                "execution": self.execution.model_dump() if self.execution is not None else None,
                "code": self.code,
                "versions": self.versions,
            }
        )
