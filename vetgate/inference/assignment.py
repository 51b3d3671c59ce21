"""What parent and child say to each other when a check trains: JSON, never pickle; the child runs strange code."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from vetgate.domain.check import Ask, Results
from vetgate.domain.model import Tap
from vetgate.domain.record import Record
from vetgate.domain.trainer import Tuning
from vetgate.inference.commission import Entry, Loan, Material, Progress
from vetgate.inference.message import Failed


class Names(Record):
    """Of N images; a file of its own, for lists are long."""

    ids: tuple[str, ...]
    digests: tuple[str, ...]


class Drawn(Record):
    """One annotation, as it was drawn on the image before it was fitted to a card."""

    image: str
    """Id."""
    name: str
    whole: bool
    size: tuple[int, int]
    """(height, width) of that image."""
    segmentation: Any
    """As COCO writes it: polygons, or run lengths."""


class ImageFiles(Record):
    """Images and what the candidate gave for them, laid out in files."""

    name: str
    names: str
    """Path of Names as JSON."""
    images: Material
    probabilities: str
    """Path of an .npy of float64 (N, C)."""
    logits: str | None
    """Path of an .npy of float32 (N, C)."""
    pooled: str | None
    """Path of an .npy of float32 (N, C_E)."""
    maps: str | None
    """Path of an .npy of float32 (N, C_E, h, w)."""

    @property
    def reads(self) -> tuple[str, ...]:
        """What the child may read."""
        return tuple(filter(None, (self.names, self.probabilities, self.logits, self.pooled, self.maps)))


class Assignment(Record):
    """One check that trains, and everything that it may use."""

    entry: Entry
    """The plugin that offers the check."""
    check: str
    ask: Ask
    reference: Loan
    candidate: Loan
    candidate_name: str
    classes: tuple[str, ...]
    feature_map: Tap | None
    feature_note: str
    vetted: ImageFiles
    training: ImageFiles | None
    concepts: str | None
    """Path of a JSON list of Drawn."""
    tuning: Tuning
    labeller: str | None
    """Who names what regions show, in words; None where nobody was asked to."""
    shelf: str
    reference_key: str
    candidate_key: str
    candidate_parameters: int | None
    candidate_macs: int | None
    seed: int
    threads: int
    memory: int | None
    """Bytes of private memory, or None for no limit."""

    @property
    def reads(self) -> tuple[str, ...]:
        """What the child may read besides models and images."""
        return () if self.concepts is None else (self.concepts,)

    @property
    def writes(self) -> tuple[str, ...]:
        """The folder that the child may write to."""
        return (self.shelf,)


class Unnamed(Record):
    """Asks the parent for names of what regions show; the child has neither network nor keys to ask anybody."""

    kind: Literal["unnamed"] = "unnamed"
    images: tuple[str, ...]
    """PNG files in base64."""
    labels: tuple[str, ...]
    """What each image shows as a whole, or an empty text."""


class Named(Record):
    """The parent's answer."""

    kind: Literal["named"] = "named"
    names: tuple[str, ...]


class Taught(Record):
    """The check has measured."""

    kind: Literal["taught"] = "taught"
    results: Results


Word: TypeAlias = Annotated[Progress | Unnamed | Taught | Failed, Field(discriminator="kind")]

Reply: TypeAlias = Annotated[Named | Failed, Field(discriminator="kind")]

WORDS: TypeAdapter[Word] = TypeAdapter(Word)
REPLIES: TypeAdapter[Reply] = TypeAdapter(Reply)
DRAWN: TypeAdapter[tuple[Drawn, ...]] = TypeAdapter(tuple[Drawn, ...])
