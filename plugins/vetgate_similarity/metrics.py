"""The figures that this check declares."""

from __future__ import annotations

from vetgate.api import Better, MetricSpec, Of, Unit

_PAIR = (Of.PAIR,)

AGREEMENT = MetricSpec(
    id="similarity.agreement",
    summary="share of images that both models give the same class; ties go to the first",
    unit=Unit.FRACTION,
    better=Better.HIGHER,
    roles=_PAIR,
    low=0.0,
    high=1.0,
    sliced=True,
    counted=_PAIR,
    bounded=_PAIR,
    source="Mason-Williams: Bro changed :( Compression: A Functional Perspective",
)
NEGATIVE_FLIPS = MetricSpec(
    id="similarity.negative_flips",
    summary="share of images that the reference has right and the candidate wrong",
    unit=Unit.FRACTION,
    better=Better.LOWER,
    roles=_PAIR,
    low=0.0,
    high=1.0,
    sliced=True,
    counted=_PAIR,
    needs_labels=True,
    bounded=_PAIR,
    source="Yan et al.: Positive-Congruent Training: Towards Regression-Free Model Updates (CVPR 2021)",
)
POSITIVE_FLIPS = MetricSpec(
    id="similarity.positive_flips",
    summary="share of images that the reference has wrong and the candidate right",
    unit=Unit.FRACTION,
    better=Better.NEITHER,
    roles=_PAIR,
    low=0.0,
    high=1.0,
    sliced=True,
    counted=_PAIR,
    needs_labels=True,
    bounded=_PAIR,
    source=NEGATIVE_FLIPS.source,
)
JS_DIVERGENCE = MetricSpec(
    id="similarity.js_divergence",
    summary="mean Jensen-Shannon divergence of the two models' probabilities; 0 is equal, 1 bit is disjoint",
    unit=Unit.BITS,
    better=Better.LOWER,
    roles=_PAIR,
    low=0.0,
    high=1.0,
    sliced=True,
    bounded=_PAIR,
    source="Lin: Divergence Measures Based on the Shannon Entropy (IEEE Transactions on Information Theory 37, 1991)",
)

METRICS = (AGREEMENT, NEGATIVE_FLIPS, POSITIVE_FLIPS, JS_DIVERGENCE)
