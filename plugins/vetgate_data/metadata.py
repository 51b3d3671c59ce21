"""metadata.csv: what is known of the images of a folder or archive besides their class."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vetgate.api import DataError
from vetgate_data.table import Table, read_table

NAME = "metadata.csv"


def parse_metadata(content: bytes, where: str, files: Collection[str], images: Sequence[str]) -> dict[str, list[str]]:
    """Return (N,) values by column; an image without a row has missing values.

    Args:
        content: A CSV with a column `path`, relative to the folder that it lies in.
        where: The file, for messages.
        files: Every file below that folder, relative to it; a row may speak of an image of another part.
        images: (N,) the images that take part, relative to it.

    Raises:
        DataError: No such table, a row for an image that is not there, one image twice, or a column of labels.
    """
    table = read_table(content, where)
    if table.labelled:
        raise DataError(
            f"{where} has a column label, but the folders tell the classes",
            hint="remove the column; labels of a list stand in a CSV manifest, which is itself given as --data",
        )
    rows = _by_image(table, where, files)
    missing = ("",) * len(table.names)
    found = [rows.get(image, missing) for image in images]
    return {name: [values[place] for values in found] for place, name in enumerate(table.names)}


def _by_image(table: Table, where: str, files: Collection[str]) -> dict[str, tuple[str, ...]]:
    rows: dict[str, tuple[str, ...]] = {}
    for row in table.rows:
        if row.path in rows:
            raise DataError(f"{where}:{row.line}: {row.path!r} has a row already", hint="remove one of them")
        if row.path not in files:
            raise DataError(
                f"{where}:{row.line}: there is no image {row.path!r}",
                hint=f"paths are relative to the folder of {NAME}; remove the row, or put the image there",
            )
        rows[row.path] = row.values
    return rows
