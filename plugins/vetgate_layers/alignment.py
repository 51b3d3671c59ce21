"""How alike the penultimate features of both models are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Inconclusive, Inner, Measurement, Of, Quantiles, Tap
from vetgate.statistics import attainable_levels, debiased_cka, jackknife_cka
from vetgate_layers.metrics import FEATURE_CKA


def feature_cka(candidate: Inner, reference: Inner, ask: Ask) -> Measurement:
    """Return the debiased linear CKA of what the last linear layers take, bounded by the jackknife over images.

    Raises:
        Inconclusive: A model's last layer is not linear, or its features are the same for every image.
    """
    ours, theirs = (_features(inner, role) for inner, role in ((candidate, "candidate"), (reference, "reference")))
    try:
        value, without = debiased_cka(ours, theirs), jackknife_cka(ours, theirs)
    except ValueError as error:
        raise Inconclusive(f"{FEATURE_CKA.id} says nothing here: {error}") from None
    levels = attainable_levels(ask.confidences, ask.replicates)
    return Measurement(
        metric=FEATURE_CKA.id,
        role=Of.PAIR,
        value=value,
        unit=FEATURE_CKA.unit,
        better=FEATURE_CKA.better,
        n=len(ours),
        uncertainty=Quantiles(levels=levels, values=_quantiles(value, without, levels), method="jackknife"),
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


def _quantiles(value: float, without: NDArray[np.float64], levels: Sequence[float]) -> tuple[float, ...]:
    from scipy.special import ndtri

    n = len(without)
    error = float(np.sqrt((n - 1) / n * np.square(without - without.mean()).sum()))
    return tuple(float(np.clip(value + ndtri(level) * error, -1.0, 1.0)) for level in levels)
