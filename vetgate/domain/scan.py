"""What a scanner is given and gives back. It reads bytes; it never loads, builds or runs what it reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

from vetgate.domain.artifact import Artifact, Member
from vetgate.domain.evidence import Finding, Severity
from vetgate.domain.record import Record
from vetgate.domain.wall import Wall


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
    """Format id, as a backend declares it; empty where nobody here opens such files."""
    seconds: float
    """Wall-clock time after which the child is ended."""
    memory: int
    """Bytes that the child may take."""
    bad_digests: str = ""
    """Text of the user's own list of digests that are known to be bad (`bad_digests` in vetgate.yaml)."""

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
    reason: str = ""
    """Why it was not scanned, or how the scan failed; empty where it went through."""
    worst: Severity | None = None
    """Of what was found."""
    walls: tuple[Wall, ...] = ()
    """Around the process that read it."""


class Scanned(Record):
    """All that came of scanning one model."""

    summary: ScanSummary
    findings: tuple[Finding, ...] = ()
    """The gravest first; each location begins with the file inside the artifact that it is in."""

    @property
    def known(self) -> bool:
        """Whether somebody who knows the format read it to the end, so that findings are all that there is."""
        return self.summary.state in (ScanState.CLEAN, ScanState.FINDINGS)


class ScannedFile(Record):
    """One file that was scanned alone."""

    name: str
    """The path as typed."""
    format: str | None
    """Format id; None where nobody here opens such files."""
    members: tuple[Member, ...]
    """Every file that ships, the model file first."""
    scanned: Scanned


class ScanReport(Record):
    """What `vetgate scan` writes."""

    schema_version: Literal[1] = 1
    files: tuple[ScannedFile, ...]
