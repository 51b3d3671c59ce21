"""A CSV manifest: one image a row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vetgate.api import DataError, SampleSet
from vetgate_data.encoded import EncodedImages
from vetgate_data.folder import read_file
from vetgate_data.header import PATH_COLUMNS, delimiter_of, label_column, path_column

_INTEGER = re.compile(r"-?\d+")


@dataclass(frozen=True)
class _Row:
    path: str
    label: str | None
    line: int


def open_manifest(path: Path) -> SampleSet:
    """Open a CSV with a header, a column `path` (or `image`, or `file`) and perhaps a column `label`.

    Paths are relative to the folder of the CSV. Labels are all integers from 0, or all names, whose sorted order is
    labelled from 0. An image that is missing is counted as unreadable when its turn comes.

    Raises:
        DataError: No CSV, a row without path or label, one image twice, or labels of both kinds.
    """
    rows = list(_rows(path))
    labels, classes = _labels(path, rows)

    def fetch(index: int) -> bytes:
        return read_file(path.parent / rows[index].path)

    return EncodedImages([row.path for row in rows], fetch, labels, classes, str(path))


def _rows(path: Path) -> Iterator[_Row]:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the manifest {path} is no UTF-8 text: {error}") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(content) or ",", strict=True)
    try:
        header = next(reader, [])
        path_place, label_place = path_column(header), label_column(header)
        if path_place is None:
            raise DataError(f"the manifest {path} has no single column named {', '.join(PATH_COLUMNS)}")
        for row in reader:
            if any(row):
                yield _row(row, header, path_place, label_place, f"{path}:{reader.line_num}", reader.line_num)
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: {error}") from None


def _row(row: list[str], header: list[str], path_place: int, label_place: int | None, where: str, line: int) -> _Row:
    if len(row) != len(header):
        raise DataError(f"{where}: {len(row)} columns, but the header has {len(header)}")
    name, label = row[path_place].strip(), None if label_place is None else row[label_place].strip()
    if not name:
        raise DataError(f"{where}: no path")
    if label == "":
        raise DataError(f"{where}: no label", hint="label every image, or drop the column")
    return _Row(str(PurePosixPath(name)), label, line)


def _labels(manifest: Path, rows: Sequence[_Row]) -> tuple[list[int] | None, list[str] | None]:
    texts = [row.label for row in rows if row.label is not None]
    if not texts:
        return None, None
    integers = [_INTEGER.fullmatch(text) is not None for text in texts]
    if all(integers):
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
