"""The figures that this check declares."""

from __future__ import annotations

from vetgate.api import CONCEPT, Better, MetricSpec, Of, Unit

_PAIR = (Of.PAIR,)
_PAPER = "Wang: Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks"


def _figure(
    name: str,
    summary: str,
    unit: Unit = Unit.FRACTION,
    better: Better = Better.NEITHER,
    *,
    low: float | None = 0.0,
    high: float | None = 1.0,
    exact: bool = False,
    columns: tuple[str, ...] = (),
) -> MetricSpec:
    return MetricSpec(
        id=f"disparity.{name}",
        summary=summary,
        unit=unit,
        better=better,
        roles=_PAIR,
        low=low,
        high=high,
        sliced=bool(columns),
        columns=columns,
        bounded=_PAIR,
        exact=exact,
        source=_PAPER,
    )


def _cost(name: str, what: str) -> MetricSpec:
    return _figure(name, f"{what}, all its heads included", Unit.RATIO, Better.LOWER, high=None, exact=True)


FUSED = _figure("fused_accuracy", "share of explained images that the candidate and DELTA together get right")
PERMUTED = _figure("permuted_accuracy", "control: the same with the candidate's features of another image")
ALONE = _figure("subgraph_accuracy", "control: the subgraph alone before the reference's classifier")
RECOVERY = _figure(
    "recovery",
    "how much of the accuracy that the candidate lost DELTA brings back; 1 is all of it, 0 is none",
    low=None,
    high=None,
)
PARAMS_CANDIDATE = _cost("params_to_candidate", "parameters of DELTA over the candidate's")
PARAMS_REFERENCE = _cost("params_to_reference", "parameters of DELTA over the reference's")
MACS_CANDIDATE = _cost("macs_to_candidate", "multiply-accumulates of DELTA over the candidate's")
MACS_REFERENCE = _cost("macs_to_reference", "multiply-accumulates of DELTA over the reference's")
CORRELATION = _figure(
    "correlation",
    "Pearson correlation of what DELTA adds with what the candidate gives; how channels pair decides it, not a loss",
    Unit.SCORE,
    low=-1.0,
)
OVERLAP = _figure("overlap", "mean share of DELTA's regions that lies in the candidate's")
EXPLAINED = _figure(
    "explained",
    "images that the reference gets right and the candidate wrong, among those that DELTA was not trained on",
    Unit.COUNT,
    high=None,
    exact=True,
)
CONCEPTS = _figure("concepts", "share of explained images whose missed part shows a concept", columns=(CONCEPT,))
SHARES = {
    name: _figure(f"share_{name}", f"share of explained images: {meaning}")
    for name, meaning in (
        ("complement_local", "information on the object that the candidate did not look at"),
        ("complement_global", "information off the object that the candidate did not look at"),
        ("enhance_local", "the candidate looked there, on the object, and saw too little"),
        ("enhance_global", "the candidate looked there, off the object, and saw too little"),
        ("mix_local", "some of both, on the object"),
        ("mix_global", "some of both, also off the object"),
        ("none", "no region, or DELTA does not correct the image"),
    )
}
"""By category."""
METRICS = (
    FUSED,
    PERMUTED,
    ALONE,
    RECOVERY,
    PARAMS_CANDIDATE,
    PARAMS_REFERENCE,
    MACS_CANDIDATE,
    MACS_REFERENCE,
    CORRELATION,
    OVERLAP,
    EXPLAINED,
    CONCEPTS,
    *SHARES.values(),
)
