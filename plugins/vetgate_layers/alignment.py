"""How alike the penultimate features of both models are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Inconclusive, Inner, Measurement, Of, Quantiles, Tap
from vetgate.statistics import bounded_cka
from vetgate_layers.metrics import FEATURE_CKA


def feature_cka(candidate: Inner, reference: Inner, ask: Ask) -> Measurement:
    """Return the debiased linear CKA of what the last linear layers take, bounded by the jackknife over images.

    Raises:
        Inconclusive: A model's last layer is not linear, or its features are the same for every image.
    """
    ours, theirs = (_features(inner, role) for inner, role in ((candidate, "candidate"), (reference, "reference")))
    try:
        aligned = bounded_cka(ours, theirs, ask.confidences)
    except ValueError as error:
        raise Inconclusive(f"{FEATURE_CKA.id} says nothing here: {error}") from None
    return Measurement(
        metric=FEATURE_CKA.id,
        role=Of.PAIR,
        value=aligned.value,
        unit=FEATURE_CKA.unit,
        better=FEATURE_CKA.better,
        n=len(ours),
        uncertainty=Quantiles(levels=aligned.levels, values=aligned.values, method="jackknife"),
        note=f"of {ours.shape[1]} against {theirs.shape[1]} features",
    )


def _features(inner: Inner, role: str) -> NDArray[np.float64]:
    """Return the penultimate features (N, D) of all probes."""
    tap: Tap | None = next((tap for tap in inner.taps() if tap.features), None)
    if tap is None:
        raise Inconclusive(
            f"{FEATURE_CKA.id} needs penultimate features, and the last layer of the {role} takes none that can be read"
        )
    values = inner.capture([tap.name], 0, inner.probes)[tap.name]
    return values.reshape(len(values), -1).astype(np.float64)
