"""What a scanner is given and gives back. It reads bytes; it never loads, builds or runs what it reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from vetgate.domain.artifact import Artifact
from vetgate.domain.evidence import Finding
from vetgate.domain.record import Record


class ScanState(StrEnum):
    """What is known of a model's safety after the scan."""

    CLEAN = "clean"
    """A scanner that knows the format read every byte that it must, and found nothing."""
    FINDINGS = "findings"
    NOT_SCANNED = "not scanned"
    """Nobody on offer knows the format. Never the same as clean."""
    FAILED = "failed"
    """A scanner crashed, ran out of memory or took too long, so nothing is known; that is a finding by itself."""


@dataclass(frozen=True)
class ScanContext:
    """What a scanner works on, in a child process of its own."""

    artifact: Artifact
    """The private copy: every file that ships lies in the folder of `artifact.file`, and nothing else does."""
    format: str
    """Format id, as a backend declares it."""
    seconds: float
    """Wall-clock time after which the child is ended."""
    memory: int
    """Bytes that the child may take."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Return every file that ships, the model file first."""
        return tuple(self.artifact.file.parent / member.name for member in self.artifact.members)


class Scanner(Protocol):
    """Reads a model file for what could harm who opens it."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found, an empty tuple where nothing was.

        Raises:
            UnreadableArtifact: The file cannot be read as what it claims to be; that is a finding.
        """
        ...


class ScanSummary(Record):
    """How a model was scanned, for the report."""

    state: ScanState
    scanners: tuple[str, ...] = ()
    """Those that read it, `name version`."""
    sha256: str | None = None
    """Of what was scanned; what is opened has the same."""
    seconds: float = 0.0
