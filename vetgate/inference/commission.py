"""What parent and child say to each other when a variant is made: JSON, never pickle; the child runs strange code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.compress import Made
from vetgate.domain.model import OpenOptions
from vetgate.domain.record import Record
from vetgate.domain.setting import Setting
from vetgate.inference.message import Failed


class Entry(Record):
    """Where a plugin is loaded from."""

    plugin: str
    """Entry-point name."""
    value: str
    """Entry-point value."""
    group: str


class Loan(Record):
    """A trained model that a step may take as a live module."""

    entry: Entry
    """The plugin whose backend opens it."""
    backend: str
    artifact: Artifact
    card: Card
    options: OpenOptions


class Material(Record):
    """Images that were fitted to the card and laid out in files."""

    pixels: str
    """Path of an .npy of uint8 (N, H, W, 1 or 3)."""
    labels: str | None
    """Path of an .npy of int64 (N,)."""

    @property
    def reads(self) -> tuple[str, ...]:
        """What the child may read."""
        return tuple(filter(None, (self.pixels, self.labels)))


class Commission(Record):
    """One step of a recipe: everything that the child may use."""

    entry: Entry
    """The plugin that offers the compressor."""
    compressor: str
    source: str
    """The file to compress."""
    output: str
    """The file to write."""
    reference: Loan
    donor: Loan | None = None
    initial: Loan | None = None
    calibration: Material | None = None
    training: Material | None = None
    settings: dict[str, Setting] = {}
    seed: int
    threads: int
    memory: int | None
    """Bytes of private memory, or None for no limit."""

    @property
    def reads(self) -> tuple[str, ...]:
        """What the child may read besides the models: the step before may have left several files."""
        return (str(Path(self.source).parent.absolute()),)

    @property
    def writes(self) -> tuple[str, ...]:
        """The folder that the child may write to."""
        return (str(Path(self.output).parent.absolute()),)


class Progress(Record):
    """How far it is."""

    kind: Literal["progress"] = "progress"
    what: str
    done: int
    total: int


class Finished(Record):
    """The file is written."""

    kind: Literal["finished"] = "finished"
    made: Made


class Refusal(Record):
    """The model cannot be compressed so: an answer, where everything else that may happen is a failure."""

    kind: Literal["refusal"] = "refusal"
    message: str
    hint: str


class NoModule(Record):
    """The reference cannot be handed over as a live module, so nothing that works on one can be made of it."""

    kind: Literal["no module"] = "no module"
    message: str


Answer: TypeAlias = Annotated[Progress | Finished | Refusal | NoModule | Failed, Field(discriminator="kind")]

ANSWERS: TypeAdapter[Answer] = TypeAdapter(Answer)
