"""Finds the file with the weights of a model that is two files."""

from __future__ import annotations

from pathlib import Path

from vetgate.api import ScanContext


def weights_of(context: ScanContext) -> Path | None:
    """Return what ships with a model, else what lies beside it under its name and ends in .bin; None without either."""
    file = context.artifact.file
    others = [other for other in context.files if other != file]
    beside = file.with_suffix(".bin")
    return others[0] if others else beside if beside != file and beside.is_file() else None
