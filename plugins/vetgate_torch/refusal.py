"""Turn what PyTorch raises while it reads a file into the reason why the file is refused."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from vetgate.api import Artifact, UnreadableArtifact

WAY_OUT = (
    "save the weights alone, torch.save(model.state_dict(), FILE), and name the architecture; "
    "or export the model with torch.export.save or torch.onnx.export"
)

_GLOBAL = re.compile(r"GLOBAL ([A-Za-z_][\w.]*)")
_FAILURES = (
    RuntimeError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    EOFError,
    MemoryError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)


@contextmanager
def reading(artifact: Artifact) -> Iterator[None]:
    """Read the artifact inside this block.

    Raises:
        UnreadableArtifact: PyTorch failed on it, or would have to unpickle more than tensors.
    """
    try:
        yield
    except pickle.UnpicklingError as error:
        raise refused(artifact.name, error) from None
    except _FAILURES as error:
        raise UnreadableArtifact(
            f"{artifact.name} cannot be read as {artifact.format}: {first_sentence(error)}",
            hint="it may be truncated or corrupt; compare its sha256 with the original's",
        ) from None


def refused(what: str, error: BaseException) -> UnreadableArtifact:
    """Return why `what` was refused by weights_only loading."""
    culprit = _GLOBAL.search(str(error))
    if culprit is None:
        return UnreadableArtifact(f"{what} is no readable pickle of tensors: {first_sentence(error)}", hint=WAY_OUT)
    return UnreadableArtifact(
        f"{what} needs arbitrary unpickling ({culprit[1]}), which can run code, so it is not loaded", hint=WAY_OUT
    )


def first_sentence(error: BaseException) -> str:
    """Return the first line of an error, shortened, or its type."""
    # weights_only errors begin with advice to load the file anyway
    lines = [line.strip() for line in str(error).rpartition("WeightsUnpickler error:")[2].splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    if isinstance(error, KeyError):
        text = f"it lacks {text}"
    return text if len(text) <= 240 else f"{text[:237]}..."
