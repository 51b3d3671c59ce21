"""The header line of a CSV manifest."""

from __future__ import annotations

import csv

PATH_COLUMNS = ("path", "image", "file")
LABEL_COLUMN = "label"
_LONGEST = 4096
"""Bytes that the header line may have."""


def delimiter_of(head: bytes) -> str | None:
    """Return what separates the columns (`,`, `;` or a tab), or None where no column of the first line holds paths."""
    line, newline, _ = head[:_LONGEST].replace(b"\r", b"\n").partition(b"\n")
    if b"\0" in line or (not newline and len(head) >= _LONGEST):
        return None
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return next(
        (mark for mark in ",;\t" if path_column(next(csv.reader([text], delimiter=mark), [])) is not None), None
    )


def path_column(header: list[str]) -> int | None:
    """Return the place of the column that holds paths, or None where there is not exactly one."""
    found = [place for place, name in enumerate(header) if name.strip().lower() in PATH_COLUMNS]
    return found[0] if len(found) == 1 else None


def label_column(header: list[str]) -> int | None:
    """Return the place of the column that holds labels, or None."""
    found = [place for place, name in enumerate(header) if name.strip().lower() == LABEL_COLUMN]
    return found[0] if len(found) == 1 else None
