"""The OpScore of both models, from the evidence of other checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vetgate.api import (
    Ask,
    Card,
    Evidence,
    EvidenceContext,
    Finding,
    Inconclusive,
    Measurement,
    MetricSpec,
    Of,
    Outcome,
    Results,
    Severity,
    Table,
    Unit,
    Unstated,
)
from vetgate_opscore.metrics import INFERENCE, TRAINING
from vetgate_opscore.score import epoch_seconds, floored_error, inference_seconds, opscore

_PARTS = (("quality", "accuracy.top1"), ("footprint", "footprint.size_mb"), ("latency", "latency.throughput"))
_UNITS = (Unit.FRACTION, Unit.MEGABYTES, Unit.PER_SECOND)
_ROLES = (Of.CANDIDATE, Of.REFERENCE)


@dataclass(frozen=True)
class Ingredients:
    """What one model's scores are made of."""

    accuracy: float
    images: int
    """Images that the accuracy rests on."""
    megabytes: float
    images_per_second: float
    card: Card

    @property
    def error(self) -> float:
        """Return the error rate that is scored."""
        return floored_error(self.accuracy, self.images)

    @property
    def floored(self) -> bool:
        """Return whether the true error rate is below what is scored."""
        return self.error > 1.0 - self.accuracy

    @property
    def seconds(self) -> float:
        """Return the seconds of 10,000 images."""
        return inference_seconds(self.images_per_second)

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


class OpScoreCheck:
    """Computes the inference score, and the training score where both cards state a training time."""

    def measure(self, context: EvidenceContext, ask: Ask) -> Results:
        """Return the scores of both models and their difference.

        Raises:
            Inconclusive: Accuracy, size or throughput of a model was not measured.
        """
        candidate, reference = _ingredients(context)
        measurements = _scores(INFERENCE, candidate, reference, candidate.inference, reference.inference)
        findings: tuple[Finding, ...] = ()
        if candidate.training is not None and reference.training is not None:
            measurements += _scores(TRAINING, candidate, reference, candidate.training, reference.training)
        elif TRAINING.id in ask.metrics:
            findings = (_no_training(candidate, reference),)
        return Results(measurements=measurements, findings=findings, exhibits=(_table(candidate, reference),))


def _ingredients(context: EvidenceContext) -> tuple[Ingredients, Ingredients]:
    figures = {
        (figure.metric, figure.role): figure
        for evidence in context.evidence
        if evidence.outcome is Outcome.MEASURED
        for figure in evidence.measurements
        if figure.slice is None
    }
    _require(figures, context.evidence)
    made = []
    for role, subject in zip(_ROLES, (context.candidate, context.reference), strict=True):
        accuracy, size, throughput = (figures[metric, role] for _, metric in _PARTS)
        made.append(Ingredients(accuracy.value, accuracy.n, size.value, throughput.value, subject.card))
    return made[0], made[1]


def _require(figures: dict[tuple[str, Of], Measurement], evidence: Iterable[Evidence]) -> None:
    """Refuse to score with a part missing, naming every one and why."""
    reasons = {entry.check: entry.reason for entry in evidence if entry.outcome is not Outcome.MEASURED}
    missing = []
    for (check, metric), unit in zip(_PARTS, _UNITS, strict=True):
        lacking = [role for role in _ROLES if (found := figures.get((metric, role))) is None or found.unit is not unit]
        if lacking:
            why = f" (check {check}: {reasons[check].rstrip('.')})" if reasons.get(check) else ""
            missing.append(f"{metric} of the {' and the '.join(lacking)}{why}")
    if missing:
        raise Inconclusive(f"the OpScore needs {', '.join(missing)}, which nobody measured")
    empty = [
        f"{metric} of the {role} is {figures[metric, role].value:g}"
        for _, metric in _PARTS[1:]
        for role in _ROLES
        if figures[metric, role].value <= 0
    ]
    if empty:
        raise Inconclusive(f"the OpScore needs positive sizes and speeds, but {', '.join(empty)}")


def _scores(
    spec: MetricSpec, candidate: Ingredients, reference: Ingredients, score: float, base: float
) -> tuple[Measurement, ...]:
    sides = (("candidate", candidate), ("reference", reference))
    figures = (
        (Of.CANDIDATE, score, _note(spec, sides[:1])),
        (Of.REFERENCE, base, _note(spec, sides[1:])),
        (Of.DELTA, score - base, _note(spec, sides)),
    )
    return tuple(
        Measurement(
            metric=spec.id,
            role=role,
            value=value,
            unit=spec.unit,
            better=spec.better,
            n=min(candidate.images, reference.images),
            uncertainty=Unstated(),
            note=note,
        )
        for role, value, note in figures
    )


def _note(spec: MetricSpec, sides: Sequence[tuple[str, Ingredients]]) -> str:
    """Return at which batch the models were timed, and whose error was floored."""
    batches = list(dict.fromkeys(str(model.card.batch) for _, model in sides))
    timed = [f"timed at batch {' against '.join(batches)}"] if spec is INFERENCE else []
    floors = [
        f"the {name} made no error on {model.images:,} images and is scored as if it made half of one"
        for name, model in sides
        if model.floored
    ]
    return "; ".join(timed + floors)


def _no_training(candidate: Ingredients, reference: Ingredients) -> Finding:
    silent = [name for name, model in (("candidate", candidate), ("reference", reference)) if model.epoch is None]
    return Finding(
        rule="opscore.training",
        severity=Severity.INFO,
        message=f"{TRAINING.id} is not given: the card of the {' and the '.join(silent)} states no training time.",
        advice="Write `training: {seconds, epochs, images}` into the card.",
    )


def _table(candidate: Ingredients, reference: Ingredients) -> Table:
    models = (candidate, reference)
    rows: list[tuple[str | float | int | None, ...]] = [
        ("top-1 accuracy", *(model.accuracy for model in models)),
        ("error rate scored", *(model.error for model in models)),
        ("size, MB", *(model.megabytes for model in models)),
        ("batch", *(model.card.batch for model in models)),
        ("seconds for 10,000 images", *(model.seconds for model in models)),
        ("inference score", *(model.inference for model in models)),
    ]
    if any(model.card.training for model in models):
        rows += [
            (
                "seconds of all training",
                *(model.card.training.seconds if model.card.training else None for model in models),
            ),
            ("seconds of one epoch of 50,000", *(model.epoch for model in models)),
            ("training score", *(model.training for model in models)),
        ]
    return Table(
        title="What the OpScore is made of",
        columns=("", "candidate", "reference"),
        rows=tuple(rows),
        caption="Lower is better. Scores are comparable on the same data and the same machine only.",
    )
