"""Exhibits on a page: tables cut to what a person reads, pictures as data, galleries with the map of each image."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from vetgate.reporting import Answer, Exhibit, Gallery, Picture, Table, Unit, format_quantity
from vetgate.wording import sections

MOST_ROWS = 200
"""Rows of one table."""
OPEN_ROWS = 12
"""Rows up to which a table stands open."""
WIDEST = 12
"""Columns of a table that can be read."""
LARGEST = 1_500_000
"""Bytes of base64 of one picture."""
SHOTS = 60
"""Images of one gallery."""
MOST_EXHIBITS = 40
"""Exhibits of one candidate."""
SMALL = 64
"""Pixels up to which an image is enlarged without being blurred."""
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class TableView:
    """A table for reading."""

    title: str
    columns: tuple[str, ...]
    numbers: tuple[bool, ...]
    """Whether a column holds numbers."""
    rows: tuple[tuple[str, ...], ...]
    of: int
    """Rows that there are."""
    caption: str
    too_wide: bool
    drawn: bool
    """Whether a chart shows the same."""

    @property
    def open(self) -> bool:
        """Whether it stands open."""
        return len(self.rows) <= OPEN_ROWS and not self.drawn


@dataclass(frozen=True)
class PictureView:
    """A picture; without a source it is damaged or too large to be carried."""

    title: str
    source: str
    """Address of kind `data:`."""
    caption: str
    small: bool


@dataclass(frozen=True)
class ShotView:
    """One image of a gallery."""

    image: str
    label: str | None
    reference: Answer
    candidate: Answer
    source: str
    small: bool
    maps: tuple[PictureView, ...]


@dataclass(frozen=True)
class GalleryView:
    """Images that tell the two models apart."""

    title: str
    shots: tuple[ShotView, ...]
    chosen: int
    """Images that the report holds."""
    of: int
    """Images that these were chosen from."""
    caption: str


@dataclass(frozen=True)
class Exhibits:
    """What checks hand on beside figures."""

    galleries: tuple[GalleryView, ...]
    tables: tuple[TableView, ...]
    pictures: tuple[PictureView, ...]
    left_out: int


def exhibits_of(found: Sequence[Exhibit]) -> Exhibits:
    """Return the exhibits of one candidate; a picture of an image that a gallery shows stands beside it there."""
    pictures = [shown for shown in found if isinstance(shown, Picture)]
    galleries = [shown for shown in found if isinstance(shown, Gallery)]
    shot = {shot.image for gallery in galleries for shot in gallery.shots[:SHOTS]}
    maps = {image: [each for each in pictures if each.image == image] for image in shot}
    alone = [each for each in pictures if each.image not in shot]
    tables = [shown for shown in found if isinstance(shown, Table)]
    return Exhibits(
        galleries=tuple(_gallery(gallery, maps) for gallery in galleries),
        tables=tuple(table_view(table) for table in tables[:MOST_EXHIBITS]),
        pictures=tuple(picture_view(picture) for picture in alone[:MOST_EXHIBITS]),
        left_out=sum(max(0, len(shown) - MOST_EXHIBITS) for shown in (tables, alone)),
    )


def table_view(table: Table, most: int = MOST_ROWS) -> TableView:
    """Return a table with at most `most` rows; one of more than `WIDEST` columns has none."""
    too_wide = not 0 < len(table.columns) <= WIDEST
    values = [] if too_wide else sections.cells(table, most)
    width = range(len(table.columns))
    numbers = [bool(values) and not any(isinstance(row[column], str) for row in values) for column in width]
    return TableView(
        title=table.title,
        columns=table.columns,
        numbers=tuple(numbers),
        rows=tuple(
            tuple(_cell(table, title, value) for title, value in zip(table.columns, row, strict=True)) for row in values
        ),
        of=len(table.rows),
        caption=table.caption,
        too_wide=too_wide,
        drawn=table.chart is not None,
    )


def _cell(table: Table, title: str, value: str | float | int | None) -> str:
    """Return a cell as text; a table that says how it is drawn says in which unit its values are."""
    chart = table.chart
    if isinstance(value, str):
        return value
    if chart is None or title not in (*chart.values, *(chart.interval or ())):
        return format_quantity(value, Unit.COUNT if isinstance(value, int) else Unit.SCORE)
    if isinstance(value, int) and chart.unit is Unit.SCORE:
        return format_quantity(value, Unit.COUNT, signed=chart.signed)
    return format_quantity(value, chart.unit, signed=chart.signed)


def picture_view(picture: Picture) -> PictureView:
    """Return a picture as data."""
    source = _source(picture.media_type, picture.base64)
    small = picture.media_type == "image/png" and _is_small(picture.base64)
    return PictureView(picture.title, source, picture.caption, small)


def _gallery(gallery: Gallery, maps: dict[str, list[Picture]]) -> GalleryView:
    return GalleryView(
        title=gallery.title,
        shots=tuple(
            ShotView(
                image=shot.image,
                label=shot.label,
                reference=shot.reference,
                candidate=shot.candidate,
                source=_source(shot.media_type, shot.base64),
                small=shot.media_type == "image/png" and _is_small(shot.base64),
                maps=tuple(picture_view(each) for each in maps[shot.image]),
            )
            for shot in gallery.shots[:SHOTS]
        ),
        chosen=len(gallery.shots),
        of=gallery.of,
        caption=gallery.caption,
    )


def _source(media_type: str, text: str) -> str:
    """Return the address of a picture; empty where it is damaged or too large.

    An SVG stands in an `img` too: there it can neither run scripts nor fetch anything, whoever drew it.
    """
    if len(text) > LARGEST or _decoded(text) is None:
        return ""
    return f"data:{media_type};base64,{text}"


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _is_small(text: str) -> bool:
    """Return whether a PNG is so small that enlarging should keep its pixels: its head tells its size."""
    head = _decoded(text[:44]) or b""
    if not head.startswith(_PNG) or len(head) < 24:
        return False
    width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    return max(width, height) <= SMALL
