"""A CSV manifest: one image a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vetgate.api import DataError, SampleSet
from vetgate_data.encoded import EncodedImages
from vetgate_data.folder import read_file
from vetgate_data.table import Row, read_table

_INTEGER = re.compile(r"-?[0-9]+")
_LONGEST = 20
"""Characters of the longest integer that could be a label."""


def open_manifest(path: Path) -> SampleSet:
    """Open a CSV with a header, a column `path` (or `image`, or `file`) and perhaps a column `label`.

    Paths are relative to the folder of the CSV. Labels are all integers from 0, or all names, whose sorted order is
    labelled from 0. Every other column is metadata. An image that is missing is counted as unreadable when its turn
    comes.

    Raises:
        DataError: No CSV, a row without path or label, one image twice, labels of both kinds, or a column whose name
            is taken.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"the manifest {path} cannot be read: {error.strerror}") from None
    table = read_table(content, str(path))
    labels, classes = _labels(path, table.rows)

    def fetch(index: int) -> bytes:
        return read_file(path.parent / table.rows[index].path)

    return EncodedImages([row.path for row in table.rows], fetch, labels, classes, str(path), table.columns())


def _labels(manifest: Path, rows: Sequence[Row]) -> tuple[list[int] | None, list[str] | None]:
    texts = [row.label for row in rows if row.label is not None]
    if not texts:
        return None, None
    integers = [_INTEGER.fullmatch(text) is not None for text in texts]
    if all(integers):
        longest = max(rows, key=lambda row: len(row.label or ""))
        if len(longest.label or "") > _LONGEST:
            raise DataError(f"{manifest}:{longest.line}: a label beyond 64 bits", hint="labels count from 0")
        return [int(text) for text in texts], None
    if any(integers):
        odd = rows[integers.index(not integers[0])]
        raise DataError(
            f"{manifest}:{odd.line}: the label {odd.label!r} stands beside {texts[0]!r}: integers and names are mixed",
            hint="write all labels as integers from 0, or all as names",
        )
    names = sorted(set(texts))
    place = {name: label for label, name in enumerate(names)}
    return [place[text] for text in texts], names
