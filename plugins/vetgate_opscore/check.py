"""The OpScore of both models, from the evidence of other checks."""

from __future__ import annotations

from vetgate.api import Ask, EvidenceContext, Finding, Results, Severity, Table
from vetgate_opscore.ingredient import Couple, gather
from vetgate_opscore.metrics import TOTAL, TRAINING
from vetgate_opscore.scoring import Weights, inference, measurements, total, training


class OpScoreCheck:
    """Computes the inference score, and the training score and the total where both cards state a training time."""

    def measure(self, context: EvidenceContext, ask: Ask) -> Results:
        """Return the scores of both models and their difference.

        Raises:
            Inconclusive: Accuracy, size or throughput of a model was not measured.
        """
        couple = gather(context)
        weights = Weights.of(ask.weights)
        found = list(measurements(inference(), couple, ask.confidences))
        findings: tuple[Finding, ...] = ()
        if all(model.training is not None for _, model in couple.sides):
            found += measurements(training(), couple, ask.confidences)
            found += measurements(total(weights), couple, ask.confidences, weights.words)
        elif asked := sorted({TRAINING.id, TOTAL.id} & ask.metrics):
            findings = (_no_training(couple, asked),)
        exhibits = () if ask.glance else (_table(couple, weights),)
        return Results(measurements=tuple(found), findings=findings, exhibits=exhibits, ran=couple.ran)


def _no_training(couple: Couple, asked: list[str]) -> Finding:
    silent = [name for name, model in couple.sides if model.epoch is None]
    verb = "is" if len(asked) == 1 else "are"
    return Finding(
        rule=TRAINING.id,
        severity=Severity.INFO,
        message=f"{' and '.join(asked)} {verb} not given: the card of the {' and the '.join(silent)} states no "
        "training time.",
        advice="Write `training: {seconds, epochs, images}` into the card.",
    )


def _table(couple: Couple, weights: Weights) -> Table:
    models = (couple.candidate, couple.reference)
    rows: list[tuple[str | float | int | None, ...]] = [
        ("top-1 accuracy", *(model.accuracy.value for model in models)),
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
    if all(model.training is not None for model in models):
        rows.append(("total score", *(total(weights).of(model) for model in models)))
    return Table(
        title="What the OpScore is made of",
        columns=("", "candidate", "reference"),
        rows=tuple(rows),
        caption="Lower is better. Scores are comparable on the same data and the same machine only.",
    )
