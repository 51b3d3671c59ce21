"""What a report shows beside its figures: tables, how they may be drawn, pictures and galleries of images."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, PositiveInt, model_validator

from vetgate.domain.record import Record
from vetgate.domain.unit import Better, Unit


class Mark(StrEnum):
    """What a table is drawn with."""

    BARS = "bars"
    """One group of horizontal bars a row, one bar a value column."""
    MIRRORED = "mirrored"
    """One row of two bars: the first value column to the left, the second to the right; what is bad comes first."""
    LINES = "lines"
    """One line a value column, over the numbers of the label column."""
    MATRIX = "matrix"
    """One cell a row: its place down by the label column, across by `across`, its shade by the one value column."""
    POINTS = "points"
    """One point a row: across by the first value column, up by the second, named by the label column."""


class Chart(Record):
    """How a table can be drawn, by the titles of its columns; who cannot draw shows the table."""

    mark: Mark
    label: str
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    """Columns of numbers; a row whose value is missing is left out."""
    across: str | None = None
    """MATRIX: the column that tells the place across."""
    group: str | None = None
    """BARS of one value column, and POINTS: the column that tells rows of one kind."""
    unit: Unit = Unit.SCORE
    """Of all values."""
    signed: bool = False
    """Whether values are differences: printed with their sign, those of fractions in points."""
    better: Better = Better.NEITHER
    """Which way the values improve, where a reader may be told."""
    logarithmic: bool = False
    """Whether the axis of the values is."""
    interval: tuple[str, str] | None = None
    """BARS of one value column: the columns of its lower and its upper bound."""
    plane: bool = False
    """POINTS: whether both directions have one scale and no axis, for only distances mean something."""
    title: str = ""
    """Of the drawing, where that of the table would mislead."""
    only: bool = False
    """Whether the table says little to who reads it, so that reports of text leave it out."""


class Table(Record):
    """A table for the report."""

    kind: Literal["table"] = "table"
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
    caption: str = ""
    chart: Chart | None = None
    """How it can be drawn; None for one that is to be read."""

    @model_validator(mode="after")
    def _drawn_by_columns_it_has(self) -> Self:
        chart = self.chart
        if chart is not None:
            named = [chart.label, *chart.values, *(chart.interval or ()), *filter(None, [chart.across, chart.group])]
            lacking = [title for title in named if title not in self.columns]
            if lacking:
                raise ValueError(f"its chart names columns that it has not: {', '.join(lacking)}")
        return self


class Picture(Record):
    """A picture for the report."""

    kind: Literal["picture"] = "picture"
    title: str
    media_type: Literal["image/png", "image/jpeg", "image/svg+xml"]
    base64: str
    caption: str = ""
    image: str | None = None
    """Id of the image that it shows something of; None where it is of no single image."""


class Answer(Record):
    """What a model said to one image."""

    name: str
    """Of the class."""
    probability: Annotated[float, Field(ge=0, le=1)]


class Shot(Record):
    """One image of a gallery."""

    image: str
    """Its id."""
    label: str | None
    """Name of its class; None where nobody labelled it."""
    reference: Answer
    candidate: Answer
    media_type: Literal["image/png", "image/jpeg"]
    base64: str


class Gallery(Record):
    """Images that tell the two models apart, the worst first."""

    kind: Literal["gallery"] = "gallery"
    title: str
    shots: tuple[Shot, ...]
    of: PositiveInt
    """Images that it was chosen from."""
    caption: str = ""


Exhibit: TypeAlias = Annotated[Table | Picture | Gallery, Field(discriminator="kind")]
