"""What a long step had reached, kept whole or not at all, so that a killed run goes on where it was."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Final

import torch

from vetgate_delta.shelf import write_whole

_VERSION: Final = 1


def store(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values to a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda file: torch.save({"version": _VERSION, **content}, file))


def recall(path: Path) -> dict[str, Any] | None:
    """Return what `store` wrote; None where there is nothing, or nothing that can be read. No code is run."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError):
        return None
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        return None
    return content


class Progress:
    """The stages of one piece of work, each kept under its name as it goes.

    Args:
        path: Where; None to keep nothing.
        made_of: What the work depends on; state of other work is not taken up.
    """

    def __init__(self, path: Path | None, made_of: str) -> None:
        self._path = path
        self._made_of = made_of
        self._stages: dict[str, Any] = {}
        kept = recall(path) if path is not None else None
        if kept is not None and kept.get("made_of") == made_of:
            self._stages = kept["stages"]

    def __getitem__(self, stage: str) -> Any:  # noqa: ANN401  # tensors and plain values
        """Return what a stage had reached, or None."""
        return self._stages.get(stage)

    def keep(self, stage: str, content: dict[str, Any]) -> None:
        """Write what a stage has reached now."""
        self._stages[stage] = content
        if self._path is not None:
            store(self._path, {"made_of": self._made_of, "stages": self._stages})
