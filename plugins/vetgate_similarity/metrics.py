"""The figures that this check declares."""

from __future__ import annotations

import math

from vetgate.api import Better, MetricSpec, Of, Unit

_PAIR = (Of.PAIR,)


def _figure(
    name: str,
    summary: str,
    *,
    unit: Unit = Unit.SCORE,
    better: Better = Better.LOWER,
    low: float = 0.0,
    high: float | None = 1.0,
    sliced: bool = True,
    counted: bool = False,
    bounded: bool = True,
    needs_labels: bool = False,
    needs_yardstick: bool = False,
    source: str = "",
) -> MetricSpec:
    return MetricSpec(
        id=f"similarity.{name}",
        summary=summary,
        unit=unit,
        better=better,
        roles=_PAIR,
        low=low,
        high=high,
        sliced=sliced,
        counted=_PAIR if counted else (),
        bounded=_PAIR if bounded else (),
        needs_labels=needs_labels,
        needs_yardstick=needs_yardstick,
        source=source,
    )


AGREEMENT = _figure(
    "agreement",
    "share of images that both models give the same class; ties go to the first",
    unit=Unit.FRACTION,
    better=Better.HIGHER,
    counted=True,
    source="Mason-Williams: Bro changed :( Compression: A Functional Perspective",
)
KAPPA = _figure(
    "kappa",
    "agreement corrected for what two models with these shares of answers would agree by chance; 1 is always, 0 is as "
    "chance",
    better=Better.HIGHER,
    low=-1.0,
    source="Cohen: A Coefficient of Agreement for Nominal Scales (Educational and Psychological Measurement 20, 1960)",
)
ERROR_CONSISTENCY = _figure(
    "error_consistency",
    "kappa of right and wrong: whether both fail on the same images; 1 is always, 0 is as chance",
    better=Better.HIGHER,
    low=-1.0,
    needs_labels=True,
    source="Geirhos, Meding, Wichmann: Beyond Accuracy: Quantifying Trial-by-Trial Behaviour of CNNs and Humans by "
    "Measuring Error Consistency (NeurIPS 2020)",
)
NEGATIVE_FLIPS = _figure(
    "negative_flips",
    "share of images that the reference has right and the candidate wrong",
    unit=Unit.FRACTION,
    counted=True,
    needs_labels=True,
    source="Yan et al.: Positive-Congruent Training: Towards Regression-Free Model Updates (CVPR 2021)",
)
POSITIVE_FLIPS = _figure(
    "positive_flips",
    "share of images that the reference has wrong and the candidate right",
    unit=Unit.FRACTION,
    better=Better.NEITHER,
    counted=True,
    needs_labels=True,
    source=NEGATIVE_FLIPS.source,
)
JS_DIVERGENCE = _figure(
    "js_divergence",
    "mean Jensen-Shannon divergence of the two models' probabilities; 0 is equal, 1 bit is disjoint",
    unit=Unit.BITS,
    source="Lin: Divergence Measures Based on the Shannon Entropy (IEEE Transactions on Information Theory 37, 1991)",
)
TOTAL_VARIATION = _figure(
    "total_variation",
    "mean share of probability that another class has in the other model (half the L1 distance); 0 is equal, 1 is "
    "disjoint",
    unit=Unit.FRACTION,
)
L2 = _figure(
    "l2",
    "mean Euclidean distance of the two models' probabilities; 0 is equal, 1.414 is sure of different classes",
    high=math.sqrt(2.0),
)
LINF = _figure(
    "linf",
    "greatest difference of any probability of any image; 0 is equal, 1 is sure and never; a greatest one of unseen "
    "images has no bound",
    unit=Unit.FRACTION,
    bounded=False,
)
RANK_CORRELATION = _figure(
    "rank_correlation",
    "mean over images of Spearman's correlation of the class scores, for more than two classes; 1 is one order, 0 is "
    "unrelated; ties share a rank",
    better=Better.HIGHER,
    low=-1.0,
)
CKA = _figure(
    "cka",
    "debiased linear centred kernel alignment of log-probabilities; 1 is equal up to rotation and scale, 0 is what "
    "unrelated models have by chance",
    better=Better.HIGHER,
    low=-1.0,
    source="Nguyen, Raghu, Kornblith: Do Wide and Deep Networks Learn the Same Things? (ICLR 2021), with HSIC_1 of "
    "Song, Smola, Gretton, Bedo, Borgwardt: Feature Selection via Dependence Maximization (JMLR 13, 2012)",
)
INDEPENDENCE = _figure(
    "independence",
    "distance from the reference over the median distance of independently trained models (by js_divergence, unless "
    "the yardstick was built with total_variation, l2 or disagreement); 0 is the same function, 1 is as far as an "
    "independent model; damage can be farther",
    unit=Unit.RATIO,
    high=None,
    sliced=False,
    needs_yardstick=True,
    source=AGREEMENT.source,
)

METRICS = (
    AGREEMENT,
    KAPPA,
    ERROR_CONSISTENCY,
    NEGATIVE_FLIPS,
    POSITIVE_FLIPS,
    JS_DIVERGENCE,
    TOTAL_VARIATION,
    L2,
    LINF,
    RANK_CORRELATION,
    CKA,
    INDEPENDENCE,
)
"""What this plugin declares."""
