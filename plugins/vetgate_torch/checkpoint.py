"""Read weights: checkpoints of torch.save and safetensors, tensors only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from vetgate.api import Artifact, UnreadableArtifact
from vetgate_torch.refusal import reading

WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "module",
    "ema",
    "model_ema",
    "ema_state_dict",
    "state_dict_ema",
    "params_ema",
)
"""Keys under which training scripts keep the state_dict."""
_PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every key."""


@dataclass(frozen=True)
class Checkpoint:
    """The weights of one file."""

    state: dict[str, Any]
    """state_dict; beside tensors a quantised one holds (weight, bias) tuples and dtypes."""
    metadata: dict[str, str]
    versions: dict[str, Any] | None = None
    """PyTorch's note of each module's version; quantised ones of newer versions keep their weights elsewhere."""
    notes: tuple[str, ...] = ()


def read(artifact: Artifact) -> Checkpoint:
    """Return the state_dict that the file holds.

    Raises:
        UnreadableArtifact: It is corrupt, needs arbitrary unpickling, or does not say which state_dict is meant.
    """
    if artifact.format == "safetensors":
        return _read_safetensors(artifact)
    with reading(artifact):
        content = torch.load(artifact.file, map_location="cpu", weights_only=True)
    state, key = _unwrap(artifact, content)
    notes = (f"the weights are those under the key {key!r}",) if key else ()
    return Checkpoint(_strip(state), {}, _strip_versions(state), notes)


def _read_safetensors(artifact: Artifact) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    try:
        with reading(artifact), safe_open(artifact.path, framework="pt", device="cpu") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
            metadata = dict(file.metadata() or {})
    except SafetensorError as error:
        raise UnreadableArtifact(
            f"{artifact.name} cannot be read as safetensors: {error}",
            hint="it may be truncated or corrupt; compare its sha256 with the original's",
        ) from None
    if not state:
        raise UnreadableArtifact(f"{artifact.name} holds no tensors")
    return Checkpoint(_strip(state), metadata)


def _unwrap(artifact: Artifact, content: object) -> tuple[dict[str, Any], str]:
    """Return the state_dict within what was saved, and the key it was under."""
    if _is_state(content):
        assert isinstance(content, dict)  # noqa: S101  # _is_state saw to it; mypy cannot know
        return content, ""
    if not isinstance(content, Mapping):
        raise UnreadableArtifact(
            f"{artifact.name} holds a {type(content).__name__}, no state_dict",
            hint="save the weights with torch.save(model.state_dict(), FILE)",
        )
    found = [str(key) for key, value in content.items() if _is_state(value)]
    named = [key for key in found if key in WRAPPERS] or found
    if len(named) == 1:
        return content[named[0]], named[0]
    keys = ", ".join(repr(key) for key in (named or [str(key) for key in content][:10]))
    what = "several state_dicts, under the keys" if named else "no state_dict, only the keys"
    raise UnreadableArtifact(
        f"{artifact.name} holds {what} {keys}",
        hint="save the one that is meant: torch.save(checkpoint[KEY], FILE)",
    )


def _is_state(value: object) -> bool:
    """Return whether it is a state_dict: named tensors, and what quantised modules put beside them."""
    if not isinstance(value, dict) or not value or not all(isinstance(key, str) for key in value):
        return False
    tensors = [_tensors(entry) for entry in value.values()]
    return any(tensors) and all(
        held or entry is None or isinstance(entry, torch.dtype)
        for held, entry in zip(tensors, value.values(), strict=True)
    )


def _tensors(entry: object) -> list[torch.Tensor]:
    if isinstance(entry, torch.Tensor):
        return [entry]
    if isinstance(entry, tuple) and all(part is None or isinstance(part, torch.Tensor) for part in entry):
        return [part for part in entry if part is not None]
    return []


def _strip(state: dict[str, Any]) -> dict[str, Any]:
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _strip_versions(state: dict[str, Any]) -> dict[str, Any] | None:
    versions = getattr(state, "_metadata", None)
    if not isinstance(versions, dict):
        return None
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            # modules are named as their keys are; the wrapping one itself has no dot
            versions = {f"{key}.".removeprefix(prefix).rstrip("."): value for key, value in versions.items()}
    return versions
