"""Names of models in MLflow, as users type them; nobody is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from vetgate.api import UsageError

SCHEMES = ("models", "runs")
_MODEL = re.compile(r"models:/+([^/:@#]+)(?:/(\d+)|@([^/:@#]+))")
_RUN = re.compile(r"runs:/+([A-Za-z0-9][\w-]{0,255})(?:/([^#]+))?")
_HOW = "write models:/NAME/VERSION, models:/NAME@ALIAS or runs:/RUN_ID/PATH, then #FILE where it holds several models"


@dataclass(frozen=True)
class RegisteredName:
    """`models:/NAME/VERSION` or `models:/NAME@ALIAS`."""

    name: str
    version: str | None
    alias: str | None
    file: str | None
    """Path of the model file inside, where the user names it."""


@dataclass(frozen=True)
class RunName:
    """`runs:/RUN_ID/PATH`."""

    run_id: str
    path: str
    """Of a file or folder among the run's artifacts; empty for all of them."""
    file: str | None


def parse_name(name: str) -> RegisteredName | RunName:
    """Return what a name means.

    Raises:
        UsageError: It is malformed, or its path leads out of the artifact.
    """
    bare, hashed, file = name.partition("#")
    inside = require_inside(file, name) if hashed else None
    if (found := _MODEL.fullmatch(bare)) is not None:
        version = found[2].lstrip("0") or "0" if found[2] is not None else None
        return RegisteredName(found[1], version, found[3], inside)
    if (found := _RUN.fullmatch(bare)) is not None:
        return RunName(found[1], require_inside(found[2].rstrip("/"), name) if found[2] else "", inside)
    raise UsageError(f"{name} is no name of a model in MLflow", hint=_HOW)


def registered_name(text: str) -> str | None:
    """Return the registered model that a candidate as typed is a version of; None for anything else."""
    try:
        parsed = parse_name(text)
    except UsageError:
        return None
    return parsed.name if isinstance(parsed, RegisteredName) else None


def require_inside(path: str, name: str) -> str:
    """Return a path inside an artifact.

    Raises:
        UsageError: It leads out of it, or is none.
    """
    if not is_inside(path):
        raise UsageError(f"{name}: {path!r} is no path inside an artifact", hint=_HOW)
    return path


def is_inside(path: str) -> bool:
    """Return whether a path is one inside an artifact, spelt in the one way: no way up, no root, nothing odd."""
    pure = PurePosixPath(path)
    return (
        bool(pure.parts)
        and path.isprintable()
        and "\\" not in path
        and not pure.is_absolute()
        and ".." not in pure.parts
        and str(pure) == path
        and all(len(part.encode()) <= 255 for part in pure.parts)
    )
