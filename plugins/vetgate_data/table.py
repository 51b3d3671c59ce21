"""A CSV table of images: a header, and one image a row."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import PurePosixPath

from vetgate.api import DataError
from vetgate_data.column import require_names
from vetgate_data.header import PATH_COLUMNS, delimiter_of, label_column, path_column


@dataclass(frozen=True)
class Row:
    """What the table says of one image."""

    path: str
    """Without `./`."""
    label: str | None
    values: tuple[str, ...]
    """Of the metadata columns, in their order; empty where there is none."""
    line: int


@dataclass(frozen=True)
class Table:
    """The rows of a CSV, in their order."""

    names: tuple[str, ...]
    """Of the metadata columns: every named column besides path and label."""
    rows: tuple[Row, ...]
    labelled: bool
    """Whether there is a column of labels."""

    def columns(self) -> dict[str, list[str]]:
        """Return the values of each metadata column by row."""
        return {name: [row.values[place] for row in self.rows] for place, name in enumerate(self.names)}


def read_table(content: bytes, where: str) -> Table:
    """Return the rows of a CSV with a column of paths and perhaps one of labels.

    A column without a name is ignored, for no rule can name it.

    Args:
        content: UTF-8 text; columns are separated by commas, semicolons or tabs.
        where: The file, for messages.

    Raises:
        DataError: No CSV, no single column of paths, a row without path or label, or a name that is taken.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{where} is no UTF-8 text: {error}") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(content) or ",", strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        path_place, label_place = path_column(header), label_column(header)
        if path_place is None:
            raise DataError(f"{where} has no single column named {', '.join(PATH_COLUMNS)}")
        places = [place for place, name in enumerate(header) if name and place not in (path_place, label_place)]
        names = [header[place] for place in places]
        require_names(names, f"{where}:1")
        layout = _Layout(len(header), path_place, label_place, tuple(places))
        rows = [_row(cells, layout, where, reader.line_num) for cells in reader if any(cells)]
    except csv.Error as error:
        raise DataError(f"{where}:{reader.line_num}: {error}") from None
    return Table(tuple(names), tuple(rows), label_place is not None)


@dataclass(frozen=True)
class _Layout:
    """Where the columns of a table stand."""

    width: int
    path: int
    label: int | None
    values: tuple[int, ...]


def _row(cells: list[str], layout: _Layout, where: str, line: int) -> Row:
    if len(cells) != layout.width:
        raise DataError(f"{where}:{line}: {len(cells)} columns, but the header has {layout.width}")
    cells = [cell.strip() for cell in cells]
    name, label = cells[layout.path], None if layout.label is None else cells[layout.label]
    if not name:
        raise DataError(f"{where}:{line}: no path")
    if label == "":
        raise DataError(f"{where}:{line}: no label", hint="label every image, or drop the column")
    return Row(str(PurePosixPath(name)), label, tuple(cells[place] for place in layout.values), line)
