"""What outlives a run: subgraphs, features and half-done trainings, each found by what made it, written whole."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

MAKERS = (
    *(
        "augment",
        "cost",
        "cut",
        "extract",
        "finetune",
        "fit",
        "groups",
        "lift",
        "loss",
        "material",
        "mixture",
        "network",
    ),
    *("plan", "precision", "program", "ridge", "search", "splits", "studio", "subgraph"),
)
"""Modules of this package that decide what is on the shelf; what draws and counts afterwards changes nothing there."""


class Shelf:
    """Entries in one folder.

    Args:
        folder: Made where it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, kind: str, made_of: Mapping[str, object], suffix: str) -> Path:
        """Return where an entry stands or will stand.

        Args:
            kind: What it is, such as `subgraph`.
            made_of: Everything that it depends on, besides the code and the libraries that made it.
            suffix: Of its file.
        """
        text = json.dumps({"of": dict(made_of), "by": versions()}, sort_keys=True, default=str)
        return self.folder / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:40]}{suffix}"

    def arrays(self, path: Path) -> dict[str, NDArray[np.float32]] | None:
        """Return the arrays of an entry; None where it is not there or cannot be read."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def put_arrays(self, path: Path, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """Write arrays as an entry."""
        write_whole(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


@functools.cache
def versions() -> dict[str, str]:
    """Return what entries depend on besides their inputs: libraries, and the code that makes them."""
    code = hashlib.sha256()
    for name in MAKERS:
        code.update(name.encode() + b"\0" + (Path(__file__).parent / f"{name}.py").read_bytes())
    names = ("vetgate", "torch", "torch-pruning", "numpy")
    return {name: _version(name) for name in names} | {"vetgate_delta": code.hexdigest()}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def digest_of(digests: Sequence[str], labels: NDArray[np.int64] | None = None) -> str:
    """Return the digest of images in their order, and of their labels where these matter."""
    whole = hashlib.sha256("\n".join(digests).encode())
    if labels is not None:
        whole.update(np.ascontiguousarray(labels, np.int64).tobytes())
    return whole.hexdigest()


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file whole or not at all, also when the process is killed while it writes."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
