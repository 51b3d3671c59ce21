"""The figures that this check declares."""

from __future__ import annotations

from vetgate.api import Better, MetricSpec, Of, Unit

_SOURCE = "Arı, Çamlı: Tradeoff Assessment of Deep Learning Models based on Accuracy, Time and Size, equation 1"


def _score(name: str, summary: str) -> MetricSpec:
    return MetricSpec(
        id=f"opscore.{name}",
        summary=summary,
        unit=Unit.SCORE,
        better=Better.LOWER,
        roles=(Of.CANDIDATE, Of.REFERENCE, Of.DELTA),
        needs_labels=True,
        source=_SOURCE,
    )


INFERENCE = _score("inference", "log10 of error rate x seconds for 10,000 images x size in MB")
TRAINING = _score("training", "log10 of error rate x seconds to train on 50,000 images once x size in MB")

METRICS = (INFERENCE, TRAINING)
