"""Parquet files with a column of image bytes, as Hugging Face data sets are stored.

Images are read one row group at a time, so that memory holds one group and not the data set.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vetgate.api import DataError, SampleSet, UnreadableImage
from vetgate_data.column import number_text, require_names
from vetgate_data.encoded import EncodedImages
from vetgate_data.recognise import parquet_files

IMAGE_COLUMNS = ("image", "img")
LABEL_COLUMNS = ("label", "fine_label")
_SHARD = re.compile(r"(.+)-\d+-of-\d+(-[0-9a-f]+)?\.parquet$")
_STRINGS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_DAMAGE = (pa.ArrowException, OSError)


def open_parquet(path: Path) -> SampleSet:
    """Open one file, or a folder of shards.

    The column `image` (or `img`) holds encoded bytes, or a struct with the field `bytes`; `label` (or `fine_label`)
    holds integers, or strings whose sorted names are labelled from 0. Class names of integer labels come from the
    metadata that Hugging Face writes. Of a folder with several parts the test part is read. Every other column of
    numbers, truth values or strings is metadata.

    Raises:
        DataError: Damaged, a column is missing or of another type, a label is missing, no single test part, or a
            column whose name is taken.
    """
    paths = _shards(path) if path.is_dir() else [path]
    try:
        files = [pq.ParquetFile(file, memory_map=True) for file in paths]
        image = _column(IMAGE_COLUMNS, files, path)
        if image is None:
            known = ", ".join(files[0].schema_arrow.names)
            raise DataError(f"{path} has no column image, but {known}", hint="name the column of image bytes image")
        _require_bytes(files, image, path)
        labels, classes = _labels(files, path)
        columns = _columns(files, path)
    except _DAMAGE as error:
        raise DataError(f"{path} is cut short or damaged: {' '.join(str(error).split())[:200]}") from None
    groups = RowGroups(files, image)
    return EncodedImages(_ids(paths, files), groups.fetch, labels, classes, str(path), columns)


class RowGroups:
    """The image column of some files, one row group in memory at a time.

    Args:
        files: Opened, all with the column.
        column: Its name.
    """

    def __init__(self, files: Sequence[Any], column: str) -> None:
        self._column = column
        self._groups = [(file, group) for file in files for group in range(file.num_row_groups)]
        self._starts = [0]
        for file, group in self._groups:
            self._starts.append(self._starts[-1] + file.metadata.row_group(group).num_rows)
        self._held: tuple[int, Any] = (-1, None)

    def fetch(self, index: int) -> bytes:
        """Return the encoded bytes of image `index`.

        Raises:
            UnreadableImage: The row holds none, or its group is damaged.
        """
        group = bisect_right(self._starts, index) - 1
        try:
            value = self._values(group)[index - self._starts[group]].as_py()
        except _DAMAGE as error:
            raise UnreadableImage(" ".join(str(error).split())[:200]) from None
        content = value.get("bytes") if isinstance(value, dict) else value
        if content is None:
            raise UnreadableImage("the row holds no image bytes")
        return bytes(content)

    def _values(self, group: int) -> Any:  # noqa: ANN401  # pyarrow has no types
        if self._held[0] != group:
            file, place = self._groups[group]
            self._held = (-1, None)  # let go of the old group before the new one is read
            self._held = (group, file.read_row_group(place, columns=[self._column]).column(0))
        return self._held[1]


def _shards(folder: Path) -> list[Path]:
    files = parquet_files(folder)
    parts: dict[str, list[Path]] = {}
    for file in files:
        match = _SHARD.match(file.name)
        parts.setdefault(match[1] if match else "", []).append(file)
    if len(parts) == 1:
        return files
    if "test" not in parts:
        names = ", ".join(sorted(part or "unnamed" for part in parts))
        raise DataError(
            f"the folder {folder} holds the parts {names}, and no test part", hint="name one file, or move others"
        )
    return parts["test"]


def _column(wanted: tuple[str, ...], files: Sequence[Any], path: Path) -> str | None:
    """Return the first of the wanted columns; every shard must have it, or none.

    Raises:
        DataError: Shards differ, or two columns of a file have the name.
    """
    found = [next((name for name in wanted if name in file.schema_arrow.names), None) for file in files]
    if len(set(found)) > 1:
        raise DataError(f"the files of {path} differ in their columns: not all have {found[0] or wanted[0]}")
    if found[0] is not None and any(file.schema_arrow.names.count(found[0]) > 1 for file in files):
        raise DataError(f"{path}: two columns are named {found[0]!r}", hint="rename or remove one of them")
    return found[0]


def _require_bytes(files: Sequence[Any], column: str, path: Path) -> None:
    for file in files:
        kind = file.schema_arrow.field(column).type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            kind = kind.field("bytes").type
        if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)):
            raise DataError(f"the column {column} of {path} holds {kind}, but image bytes are needed")


def _labels(files: Sequence[Any], path: Path) -> tuple[list[int] | None, Sequence[str] | None]:
    column = _column(LABEL_COLUMNS, files, path)
    if column is None:
        return None, None
    chunks = [file.read(columns=[column]).column(0) for file in files]
    kinds = [chunk.type.value_type if pa.types.is_dictionary(chunk.type) else chunk.type for chunk in chunks]
    if any(chunk.null_count for chunk in chunks):
        raise DataError(f"the column {column} of {path} has rows without a label", hint="fill or remove them")
    values = [value for chunk in chunks for value in chunk.to_pylist()]
    if all(pa.types.is_integer(kind) for kind in kinds):
        return values, _class_names(files, column, path)
    if all(pa.types.is_string(kind) or pa.types.is_large_string(kind) for kind in kinds):
        names = sorted(set(values))
        place = {name: label for label, name in enumerate(names)}
        return [place[value] for value in values], names
    raise DataError(f"the column {column} of {path} holds {kinds[0]}, but integers or names are needed")


def _columns(files: Sequence[Any], path: Path) -> dict[str, list[str]]:
    """Return the texts of every column of scalars besides image and label; what is nested is left out."""
    used = {_column(IMAGE_COLUMNS, files, path), _column(LABEL_COLUMNS, files, path)}
    names = [field.name for field in files[0].schema_arrow if field.name not in used and _is_scalar(field.type)]
    names = [name for name in names if name.strip()]
    require_names([name.strip() for name in names], str(path))
    found = {}
    for name in names:
        if not all(name in file.schema_arrow.names for file in files):
            raise DataError(f"the files of {path} differ in their columns: not all have {name}")
        stated = _class_names(files, name, path)
        found[name.strip()] = [text for file in files for text in _texts(file, name, stated)]
    return found


def _is_scalar(kind: Any) -> bool:  # noqa: ANN401  # pyarrow has no types
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (*(pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating), *_STRINGS)
    return any(test(kind) for test in tests)


def _texts(file: Any, name: str, stated: Sequence[str] | None) -> Iterator[str]:  # noqa: ANN401  # pyarrow has no types
    """Yield the texts of one column; integers that Hugging Face's metadata name print as these names."""
    column = file.read(columns=[name]).column(0)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    width = np.dtype(kind.to_pandas_dtype()).type if pa.types.is_floating(kind) else None
    for value in column.to_pylist():
        if value is None or (width and math.isnan(value)):
            yield ""
        elif isinstance(value, str):
            yield value.strip()
        elif stated is not None and value < len(stated):
            yield stated[value].strip() if value >= 0 else ""  # -1 is Hugging Face's unlabelled
        else:
            yield number_text(width(value)) if width else str(value).lower()


def _class_names(files: Sequence[Any], column: str, path: Path) -> tuple[str, ...] | None:
    found = {_stated_names(file.schema_arrow.metadata or {}, column) for file in files}
    if len(found) > 1:
        raise DataError(f"the files of {path} name different classes")
    return found.pop()


def _stated_names(metadata: dict[bytes, bytes], column: str) -> tuple[str, ...] | None:
    """Return the class names in Hugging Face's metadata, or None where it has none."""
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return tuple(map(str, names)) if isinstance(names, list) and names else None


def _ids(paths: Sequence[Path], files: Sequence[Any]) -> list[str]:
    ids = []
    for path, file in zip(paths, files, strict=True):
        rows = file.metadata.num_rows
        prefix = f"{path.stem}/" if len(paths) > 1 else ""
        ids += [f"{prefix}{row:0{len(str(max(rows - 1, 0)))}}" for row in range(rows)]
    return ids
