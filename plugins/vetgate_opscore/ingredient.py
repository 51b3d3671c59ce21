"""What the scores are made of, taken from the evidence of other checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vetgate.api import (
    Card,
    Evidence,
    EvidenceContext,
    Inconclusive,
    Measurement,
    Of,
    Outcome,
    Ran,
    Unit,
    Versus,
)
from vetgate_opscore.interval import Right
from vetgate_opscore.score import epoch_seconds, floored_error, inference_seconds, opscore

ACCURACY, SIZE, THROUGHPUT = "accuracy.top1", "footprint.size_mb", "latency.throughput"
_PARTS = (("quality", ACCURACY, Of.DELTA), ("footprint", SIZE, None), ("latency", THROUGHPUT, Of.RATIO))
"""Check, metric, and the role that compares both models, where scores need it."""
_UNITS = {ACCURACY: Unit.FRACTION, SIZE: Unit.MEGABYTES, THROUGHPUT: Unit.PER_SECOND}
_SINGLE = (Of.CANDIDATE, Of.REFERENCE)

Figures = Mapping[tuple[str, Of], Measurement]


@dataclass(frozen=True)
class Ingredients:
    """What one model's scores are made of."""

    accuracy: Measurement
    throughput: Measurement
    megabytes: float
    card: Card

    @property
    def images(self) -> int:
        """Return the images that the accuracy rests on."""
        return self.accuracy.n

    @property
    def error(self) -> float:
        """Return the error rate that is scored."""
        return floored_error(self.accuracy.value, self.images)

    @property
    def floored(self) -> bool:
        """Return whether the true error rate is below what is scored."""
        return self.error > 1.0 - self.accuracy.value

    @property
    def seconds(self) -> float:
        """Return the seconds of 10,000 images."""
        return inference_seconds(self.throughput.value)

    @property
    def inference(self) -> float:
        """Return the inference score."""
        return opscore(self.error, self.seconds, self.megabytes)

    @property
    def epoch(self) -> float | None:
        """Return the seconds of one epoch of 50,000 images; None where the card does not tell."""
        took = self.card.training
        return epoch_seconds(took.seconds, took.epochs, took.images) if took else None

    @property
    def training(self) -> float | None:
        """Return the training score; None where the card does not tell the time."""
        return opscore(self.error, self.epoch, self.megabytes) if self.epoch is not None else None


@dataclass(frozen=True)
class Couple:
    """Both models, and what compares them pair by pair."""

    candidate: Ingredients
    reference: Ingredients
    accuracy: Measurement
    """Difference of the accuracies, on the same images."""
    speed: Measurement
    """Ratio of images per second, from interleaved pairs: absolute times of two models drift apart."""
    ran: Ran | None
    """What was timed."""
    timed: str | None = None
    """The build that was timed in place of the reference; None where that is itself."""

    @property
    def right(self) -> Right:
        """Return how often both are right."""
        return Right(self.candidate.accuracy, self.reference.accuracy, self.accuracy)

    @property
    def sides(self) -> tuple[tuple[str, Ingredients], ...]:
        """Return both models by name."""
        return (("candidate", self.candidate), ("reference", self.reference))


def gather(context: EvidenceContext) -> Couple:
    """Return what the scores of both models are made of; figures of slices and of baselines are left aside.

    Raises:
        Inconclusive: A part was not measured, with its check's reason, or is 0.
    """
    figures = {
        (figure.metric, figure.role): figure
        for evidence in context.evidence
        if evidence.outcome is Outcome.MEASURED
        for figure in evidence.measurements
        if figure.slice is None and figure.versus is Versus.REFERENCE
    }
    _require_measured(figures, context.evidence)
    _require_positive(figures)
    candidate, reference = (
        Ingredients(figures[ACCURACY, role], figures[THROUGHPUT, role], figures[SIZE, role].value, subject.card)
        for role, subject in zip(_SINGLE, (context.candidate, context.reference), strict=True)
    )
    ran = next((evidence.ran for evidence in context.evidence if evidence.check == "latency"), None)
    both = figures[ACCURACY, Of.DELTA], figures[THROUGHPUT, Of.RATIO]
    return Couple(candidate, reference, *both, ran, context.timed_reference)


def _require_measured(figures: Figures, evidence: Iterable[Evidence]) -> None:
    """Refuse to score with a part missing, naming every one and why."""
    reasons = {entry.check: entry.reason for entry in evidence if entry.outcome is not Outcome.MEASURED}
    missing = []
    for check, metric, both in _PARTS:
        lacking = [role for role in _SINGLE if not _is_there(figures, metric, role)]
        names = [f"{metric} of the {' and the '.join(lacking)}"] if lacking else []
        if not lacking and both is not None and not _is_there(figures, metric, both):
            names = [f"the {both} of {metric}"]
        why = f" (check {check}: {reasons[check].rstrip('.')})" if names and reasons.get(check) else ""
        missing += [f"{name}{why}" for name in names]
    if missing:
        raise Inconclusive(f"the OpScore needs {', '.join(missing)}, which nobody measured")


def _is_there(figures: Figures, metric: str, role: Of) -> bool:
    unit = Unit.RATIO if role is Of.RATIO else _UNITS[metric]
    found = figures.get((metric, role))
    return found is not None and found.unit is unit


def _require_positive(figures: Figures) -> None:
    parts = [(metric, role) for metric in (SIZE, THROUGHPUT) for role in _SINGLE]
    empty = [
        f"{metric} of the {role} is {figures[metric, role].value:g}"
        for metric, role in parts
        if figures[metric, role].value <= 0
    ]
    if figures[THROUGHPUT, Of.RATIO].value <= 0:
        empty.append(f"the ratio of {THROUGHPUT} is {figures[THROUGHPUT, Of.RATIO].value:g}")
    if empty:
        raise Inconclusive(f"the OpScore needs positive sizes and speeds, but {', '.join(empty)}")
