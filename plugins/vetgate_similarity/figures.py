"""From numbers to measurements of the pair."""

from __future__ import annotations

from vetgate.api import (
    Counts,
    Measurement,
    MetricSpec,
    Of,
    Slice,
    Unstated,
)


def share(spec: MetricSpec, k: int, n: int, *, where: Slice | None = None, note: str = "") -> Measurement:
    """Return k of n images as a measurement with its counts."""
    return Measurement(
        metric=spec.id,
        role=Of.PAIR,
        value=k / n,
        unit=spec.unit,
        better=spec.better,
        n=n,
        uncertainty=Counts(k=k, n=n),
        slice=where,
        note=note,
    )


def mean(spec: MetricSpec, value: float, n: int) -> Measurement:
    """Return a mean over n images, whose uncertainty is not stated."""
    return Measurement(
        metric=spec.id,
        role=Of.PAIR,
        value=value,
        unit=spec.unit,
        better=spec.better,
        n=n,
        uncertainty=Unstated(),
    )
