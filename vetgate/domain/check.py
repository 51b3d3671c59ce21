"""What a check is given and gives back. A check measures; it never judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from pydantic import PositiveFloat, PositiveInt

from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.evidence import Evidence, Finding, Measurement, Of, PerImage, Ran, Slice
from vetgate.domain.exhibit import Exhibit
from vetgate.domain.images import SketchedImages
from vetgate.domain.model import Execution, ServerTimes, Tap
from vetgate.domain.predictions import PredictionTable
from vetgate.domain.record import Record
from vetgate.domain.scene import DetectionTable, SegmentationTable
from vetgate.domain.structure import Structure
from vetgate.domain.yardstick import Yardstick

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Need(StrEnum):
    """What a check works on, in the order in which the walk comes by."""

    STRUCTURE = "structure"
    TABLE = "table"
    IMAGES = "images"
    SESSION = "session"
    TRAINER = "trainer"
    EVIDENCE = "evidence"


class Question(Record):
    """What one rule wants to know of a figure: what to measure and how sharply, never what follows from it."""

    metric: str
    of: Of
    slice: Slice | None = None
    """Without a value: of each value of the column."""
    at_least: float | None = None
    at_most: float | None = None
    confidence: float | None = None


class Ask(Record):
    """What the policy wants of one check: never a decision, only what to measure."""

    questions: tuple[Question, ...] = ()
    weights: dict[str, float] = {}
    """What the policy weighs parts of a figure with, by metric id."""
    levels: tuple[float, ...] = ()
    """Confidences that checks computed from this one's figures will need."""
    seed: int = 0
    replicates: PositiveInt = 10_000
    """Of a bootstrap."""
    seconds: PositiveFloat = 20.0
    """Time that repeated measuring may take."""
    glance: bool = False
    """Whether this is one look of many in a run that may stop early: only figures that follow from counts are needed,
    no intervals by resampling and no exhibits."""

    @property
    def metrics(self) -> frozenset[str]:
        """Return the metric ids that rules name."""
        return frozenset(question.metric for question in self.questions)

    @property
    def confidences(self) -> tuple[float, ...]:
        """Return the levels at which bounds are asked for, ascending."""
        own = {asked.confidence for asked in self.questions if asked.confidence is not None}
        return tuple(sorted(own | set(self.levels)))

    def wants_bounds(self, metric: str) -> bool:
        """Return whether some rule asks for a confidence on a metric."""
        return any(asked.metric == metric and asked.confidence is not None for asked in self.questions)

    def columns(self, metric: str) -> tuple[str, ...]:
        """Return the columns by which rules want a metric sliced, sorted."""
        return tuple(sorted({asked.slice.by for asked in self.questions if asked.metric == metric and asked.slice}))


class Results(Record):
    """What one check found; the runner adds name, outcome and time."""

    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    ran: Ran | None = None
    per_image: tuple[PerImage, ...] = ()


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
    yardstick: Yardstick | None = None
    """Answers of independent models to the same images, where the user gave any."""


@dataclass(frozen=True)
class SegmentationContext:
    """For checks that are pure functions of both models' maps of classes."""

    table: SegmentationTable


@dataclass(frozen=True)
class DetectionContext:
    """For checks that are pure functions of the objects that both models find."""

    table: DetectionTable


@dataclass(frozen=True)
class ImagesContext:
    """For checks of the images themselves; what models say of them is not known here."""

    vetted: SketchedImages
    """All of them, also where a run stops early."""
    calibration: SketchedImages | None = None
    """What the user says that candidates were calibrated on; None where nobody says."""
    training: SketchedImages | None = None
    """What the user says that models were trained on; None where nobody says."""
    tolerated: float = 0.0
    """Share of the images of a set that may be unreadable, in [0, 1]."""


@dataclass(frozen=True)
class ColdStart:
    """One model from nothing to its first answer, in a process of its own."""

    opening: float
    """Seconds from asking for the model, its runtime not yet loaded, until it was open."""
    first: float
    """Seconds of the first prediction of one deployment batch."""
    memory_before: int | None
    """Bytes resident before the model was asked for; None where the system does not tell."""
    memory_peak: int | None
    """Most bytes resident until its answer; None where the system does not tell."""


class Session(Protocol):
    """A live model in its child process."""

    @property
    def execution(self) -> Execution:
        """What really runs."""
        ...

    @property
    def batch(self) -> int:
        """Deployment batch of the card; every timed call takes this many images unless told otherwise."""
        ...

    def time(self, calls: int, *, batch: int | None = None) -> NDArray[np.float64]:
        """Return the seconds (calls,) that each of `calls` predictions of one batch took, measured inside the child.

        The images are prepared before the clock starts; what is timed is Model.predict.

        Args:
            calls: How often to predict.
            batch: Images of a call, from 1 to the deployment batch; None is the deployment batch.
        """
        ...

    def start_afresh(self) -> ColdStart:
        """Start the model once more in a process of its own, let it answer one deployment batch, and end it."""
        ...


@runtime_checkable
class ServedSession(Session, Protocol):
    """A live model that a server may answer for."""

    @property
    def server_times(self) -> ServerTimes | None:
        """What the server counted of all timed calls so far; None where none answers, or it counts nothing."""
        ...


class Inner(Protocol):
    """The inner tensors of a live model."""

    @property
    def probes(self) -> int:
        """Images at hand for `capture`, the same ones in the same order for both models."""
        ...

    def taps(self) -> tuple[Tap, ...]:
        """Return the inner tensors that can be read.

        Raises:
            Inconclusive: This format shows none.
        """
        ...

    def notes(self) -> tuple[str, ...]:
        """Return what a reader of inner tensors must know, such as that fusions are off while they are read."""
        ...

    def capture(self, names: Sequence[str], first: int, count: int) -> Mapping[str, NDArray[np.float32]]:
        """Return inner tensors (count, *shape) for `count` of the probes from `first` on, channels first.

        Raises:
            WorkerFailed: A value is not finite, or the child failed.
        """
        ...


@dataclass(frozen=True)
class SessionContext:
    """For checks that need live models."""

    candidate: Session
    reference: Session
    """The reference, or the build of it that is timed in its place."""
    machine: str = ""
    """The machine in words, for figures that hold on it alone."""
    candidate_inner: Inner | None = None
    """Where inner tensors are compared; None in runs that time only."""
    reference_inner: Inner | None = None
    """Of the reference itself, also where another build of it is timed."""


@dataclass(frozen=True)
class EvidenceContext:
    """For checks that are computed from other checks' evidence."""

    candidate: Subject
    reference: Subject
    evidence: tuple[Evidence, ...]
    timed_reference: str | None = None
    """Name of the build that was timed in place of the reference; None where that is itself."""


ContextT_contra = TypeVar("ContextT_contra", contravariant=True)


class Check(Protocol[ContextT_contra]):
    """One measure, or a family of them."""

    def measure(self, context: ContextT_contra, ask: Ask) -> Results:
        """Return everything asked for that this context allows.

        Raises:
            Inconclusive: Nothing could be measured, with the reason.
        """
        ...
