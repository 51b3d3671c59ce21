"""The figures that this check declares."""

from __future__ import annotations

from vetgate.api import Better, MetricSpec, Of, Unit

_SOURCE = "Arı, Çamlı: Tradeoff Assessment of Deep Learning Models based on Accuracy, Time and Size, equation 1"
_ROLES = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA)


def _score(name: str, summary: str, *, live: bool) -> MetricSpec:
    return MetricSpec(
        id=f"opscore.{name}",
        summary=summary,
        unit=Unit.SCORE,
        better=Better.LOWER,
        roles=_ROLES,
        bounded=_ROLES,
        needs_labels=True,
        live=live,
        source=_SOURCE,
    )


INFERENCE = _score("inference", "log10 of error rate x seconds for 10,000 images x size in MB", live=True)
TRAINING = _score("training", "log10 of error rate x seconds to train on 50,000 images once x size in MB", live=False)
TOTAL = _score("total", "average of the inference and the training score, by the policy's weights", live=True)

METRICS = (INFERENCE, TRAINING, TOTAL)
