"""What a check is given and gives back. A check measures; it never judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.evidence import Evidence, Exhibit, Finding, Measurement
from vetgate.domain.model import Execution
from vetgate.domain.predictions import PredictionTable
from vetgate.domain.record import Record
from vetgate.domain.structure import Structure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Need(StrEnum):
    """What a check works on, in the order in which the walk comes by."""

    STRUCTURE = "structure"
    TABLE = "table"
    SESSION = "session"
    EVIDENCE = "evidence"


class Ask(Record):
    """What the policy wants of one check: never a decision, only what to measure."""

    metrics: tuple[str, ...]
    """Metric ids that rules name."""
    slices: tuple[str, ...] = ()
    """Metric ids that rules want per class."""
    seed: int = 0


class Results(Record):
    """What one check found; the runner adds name, outcome and time."""

    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()


@dataclass(frozen=True)
class Subject:
    """One model as structure checks see it."""

    artifact: Artifact
    card: Card
    structure: Structure
    members: Mapping[str, Path]
    """Where each member of the artifact can be read."""


@dataclass(frozen=True)
class StructureContext:
    """For checks that need no inference."""

    candidate: Subject
    reference: Subject


@dataclass(frozen=True)
class TableContext:
    """For checks that are pure functions of the prediction table."""

    table: PredictionTable


class Session(Protocol):
    """A live model in its child process."""

    @property
    def execution(self) -> Execution:
        """What really runs."""
        ...

    @property
    def batch(self) -> int:
        """Deployment batch of the card; every timed call takes this many images."""
        ...

    def time(self, calls: int) -> NDArray[np.float64]:
        """Return the seconds (calls,) that each of `calls` predictions of one batch took, measured inside the child.

        The images are prepared before the clock starts; what is timed is Model.predict.
        """
        ...


@dataclass(frozen=True)
class SessionContext:
    """For checks that need live models."""

    candidate: Session
    reference: Session


@dataclass(frozen=True)
class EvidenceContext:
    """For checks that are computed from other checks' evidence."""

    candidate: Subject
    reference: Subject
    evidence: tuple[Evidence, ...]


ContextT_contra = TypeVar("ContextT_contra", contravariant=True)


class Check(Protocol[ContextT_contra]):
    """One measure, or a family of them."""

    def measure(self, context: ContextT_contra, ask: Ask) -> Results:
        """Return everything asked for that this context allows.

        Raises:
            Inconclusive: Nothing could be measured, with the reason.
        """
        ...
