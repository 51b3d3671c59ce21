"""Shares of images that were counted, not sampled."""

from __future__ import annotations

from vetgate.api import Exact, Measurement, MetricSpec, Of


def share(spec: MetricSpec, count: int, images: int, note: str) -> Measurement:
    """Return a share of the images, exact because all of them were looked at.

    Args:
        spec: Which.
        count: Images that count, 0 to `images`.
        images: Images there are, at least 1.
        note: What a reader must know.
    """
    counted = f"{count:,} of {images:,} images"
    return Measurement(
        metric=spec.id,
        role=Of.PAIR,
        value=count / images,
        unit=spec.unit,
        better=spec.better,
        n=images,
        uncertainty=Exact(),
        note=f"{counted}; {note}" if note else counted,
    )
