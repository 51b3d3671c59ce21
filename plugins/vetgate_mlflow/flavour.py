"""Which file of a model's folder is the model: as its MLmodel says, else the only one that a backend knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from vetgate.api import UnreadableArtifact
from vetgate_mlflow.names import is_inside

MLMODEL = "MLmodel"
LONGEST = 1 << 20
"""Bytes of an MLmodel that are read."""
MOST_NAMED = 8
"""Files that a message names."""
DATA = (("onnx", "data", "model.onnx"), ("pytorch", "model_data", "data"))
"""Flavour, key that names its file or folder, and what that is where it names none."""
PYTORCH = ("model.pt2", "model.pth")
"""What that flavour's folder holds, beside what tells how it was pickled."""

Recognise = Callable[[Path], str | None]


def choose_file(name: str, folder: Path, file: str | None, recognise: Recognise) -> Path:
    """Return the model file of what was fetched; nothing of it is opened.

    Args:
        name: As typed, for messages.
        folder: What was fetched.
        file: Path inside it, where the user names it.
        recognise: Tells the format of a file.

    Raises:
        UnreadableArtifact: It holds no model, or several.
    """
    if file is not None:
        return _named(name, folder, file)
    whole = _stated(folder) or sorted(path for path in folder.rglob("*") if path.is_file() and recognise(path))
    if len(whole) == 1:
        return whole[0]
    paths = [path.relative_to(folder).as_posix() for path in whole]
    if whole:
        raise UnreadableArtifact(
            f"{name} holds {len(paths):,} models: {_listed(paths)}; which one is meant?",
            hint=f"{name}#{paths[0]}",
        )
    every = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    held = f": it holds {_listed(every)}" if every else ": it is empty"
    raise UnreadableArtifact(
        f"{name} holds no model of a format that an installed plugin recognises{held}",
        hint="log the model as a file, such as model.onnx; vetgate plugins lists formats",
    )


def _named(name: str, folder: Path, file: str) -> Path:
    path = folder / file
    if path.is_file():
        return path
    every = sorted(entry.relative_to(folder).as_posix() for entry in folder.rglob("*") if entry.is_file())
    raise UnreadableArtifact(f"{name}: there is no file {file!r} in it: it holds {_listed(every) or 'nothing'}")


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - MOST_NAMED:,} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(path[:200] for path in paths[:MOST_NAMED]) + more


def _stated(folder: Path) -> list[Path]:
    """Return the files that MLmodel states, of flavours whose files are known."""
    flavours = read_flavours(folder / MLMODEL)
    return [path for found in DATA for path in _files_of(folder, flavours, *found)]


def _files_of(folder: Path, flavours: Mapping[str, Any], flavour: str, key: str, usual: str) -> Iterator[Path]:
    stated = flavours.get(flavour)
    if not isinstance(stated, dict):
        return
    data = stated.get(key, usual)
    if not isinstance(data, str) or not is_inside(data):
        return
    place = folder / data
    inner = [place / each for each in PYTORCH] if place.is_dir() else [place]
    yield from (path for path in inner if path.is_file())


def read_flavours(mlmodel: Path) -> dict[str, Any]:
    """Return what an MLmodel says of each flavour; nothing where it is missing or bad. It names code: none runs."""
    try:
        with mlmodel.open("rb") as file:
            text = file.read(LONGEST + 1)
        content = yaml.safe_load(text) if len(text) <= LONGEST else None
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    flavours = content.get("flavors") if isinstance(content, dict) else None
    return {str(name): stated for name, stated in flavours.items()} if isinstance(flavours, dict) else {}
