"""What parent and child say to each other of a scan: JSON, never pickle, for the child reads hostile files."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from vetgate.domain.artifact import Artifact
from vetgate.domain.evidence import Finding
from vetgate.domain.record import Record
from vetgate.inference.commission import Entry, Progress
from vetgate.inference.message import Failed


class ScannerEntry(Record):
    """One scanner that may be asked."""

    entry: Entry
    """The plugin that offers it."""
    name: str
    version: str


class ScanOrder(Record):
    """What to scan, by whom, and within which limits."""

    scanners: tuple[ScannerEntry, ...]
    artifact: Artifact
    format: str
    """Empty where no backend opens such files."""
    seconds: float
    """Wall-clock time for all of it, once the child is there."""
    memory: int
    bad_digests: str = ""
    """Text of the user's list."""


class Ready(Record):
    """The child is there and has read nothing yet: its time starts."""

    kind: Literal["ready"] = "ready"


class Begun(Record):
    """A scanner that recognises something in the artifact starts to read."""

    kind: Literal["begun"] = "begun"
    scanner: str
    vouches: bool
    """Whether the model counts as scanned once this one has read it."""


class Read(Record):
    """It has read everything that it must."""

    kind: Literal["read"] = "read"
    findings: tuple[Finding, ...]


class Broke(Record):
    """It gave up: the file is not what it claims to be, or the scanner failed."""

    kind: Literal["broke"] = "broke"
    unreadable: bool
    """Whether the scanner says so of the file."""
    message: str
    findings: tuple[Finding, ...] = ()


class Ended(Record):
    """All have been asked."""

    kind: Literal["ended"] = "ended"


Word: TypeAlias = Annotated[Progress | Ready | Begun | Read | Broke | Ended | Failed, Field(discriminator="kind")]

WORDS: TypeAdapter[Word] = TypeAdapter(Word)
