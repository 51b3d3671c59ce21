"""The figures of the footprint check."""

from __future__ import annotations

from vetgate.api import Better, MetricSpec, Of, Unit

_COMPARED = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA, Of.RATIO)
_WITHOUT_RATIO = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA)
_SOURCE = "after Francy and Singh, Edge AI: Evaluation of Model Compression Techniques, 2024, section III.E"


def _less_is_better(name: str, unit: Unit, summary: str, source: str = _SOURCE) -> MetricSpec:
    return MetricSpec(
        id=f"footprint.{name}",
        summary=summary,
        unit=unit,
        better=Better.LOWER,
        roles=_COMPARED,
        low=0.0,
        bounded=_COMPARED,
        exact=True,
        source=source,
    )


METRICS = (
    _less_is_better("size_mb", Unit.MEGABYTES, "everything that ships, in 10^6 bytes"),
    _less_is_better(
        "gzip_mb",
        Unit.MEGABYTES,
        "everything that ships, gzipped at level 6: what pruning and clustering save on the wire",
        "RFC 1952",
    ),
    _less_is_better(
        "params",
        Unit.COUNT,
        "learned values: weights, biases, normalisation scale and shift, also those packed in quantised operators",
    ),
    _less_is_better("nonzero_params", Unit.COUNT, "learned values that are not zero after de-quantisation"),
    MetricSpec(
        id="footprint.sparsity",
        summary="share of learned values that are zero after de-quantisation: 0 none, 1 all; saves no time by itself",
        unit=Unit.FRACTION,
        better=Better.NEITHER,
        roles=_WITHOUT_RATIO,
        low=0.0,
        high=1.0,
        bounded=_WITHOUT_RATIO,
        exact=True,
        source=_SOURCE,
    ),
    _less_is_better(
        "unique_weights",
        Unit.COUNT,
        "distinct values in the weight tensor that has most of them (two axes or more): the largest codebook needed",
    ),
    _less_is_better("bits_per_weight", Unit.BITS, "storage bits of learned values over their number"),
    _less_is_better(
        "macs", Unit.COUNT, "multiply-accumulates of one image, counted from the graph's operators, not from parameters"
    ),
)

PEAK_MEMORY = MetricSpec(
    id="footprint.peak_memory_mb",
    summary="most resident memory until a fresh process answered a deployment batch, less that before, in 10^6 bytes",
    unit=Unit.MEGABYTES,
    better=Better.LOWER,
    roles=_COMPARED,
    low=0.0,
    bounded=_COMPARED,
    live=True,
    source="proc(5): VmHWM and VmRSS",
)
