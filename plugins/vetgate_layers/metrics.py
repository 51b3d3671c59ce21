"""The figures that this check declares."""

from __future__ import annotations

from vetgate.api import Better, MetricSpec, Of, Unit

_PAIR = (Of.PAIR,)
CAP = 200.0
"""Decibels of tensors without any difference, and of whatever is nearer than that; -CAP is the other end."""

LAYER_SNR = MetricSpec(
    id="similarity.layer_snr",
    summary="signal-to-noise ratio of the worst inner tensor that both models have; 200 dB is no difference at all",
    unit=Unit.DECIBELS,
    better=Better.HIGHER,
    roles=_PAIR,
    low=-CAP,
    high=CAP,
    bounded=_PAIR,
    source="10 log10(sum r^2 / sum (c - r)^2) over all elements and probe images",
)
FEATURE_CKA = MetricSpec(
    id="similarity.feature_cka",
    summary="debiased linear CKA of what the last linear layers take; 1 is the same up to rotation, 0 is chance level",
    unit=Unit.FRACTION,
    better=Better.HIGHER,
    roles=_PAIR,
    low=-1.0,
    high=1.0,
    bounded=_PAIR,
    source="Nguyen, Raghu, Kornblith: Do Wide and Deep Networks Learn the Same Things? (ICLR 2021), equation 3",
)
METRICS = (LAYER_SNR, FEATURE_CKA)
