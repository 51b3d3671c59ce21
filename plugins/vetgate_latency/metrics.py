"""The figures that these checks declare."""

from __future__ import annotations

from vetgate.api import BATCH, Better, MetricSpec, Of, Unit

_ABSOLUTE = (Of.CANDIDATE, Of.REFERENCE)
_COMPARED = (*_ABSOLUTE, Of.DELTA, Of.RATIO)
_ORDER_STATISTICS = "Thompson, Annals of Mathematical Statistics 7 (1936): order statistics"
_SIGNS = f"{_ORDER_STATISTICS}; ratio: Robbins and Siegmund, Annals of Statistics 2 (1974): betting on signs"


def _percentile(name: str, words: str, source: str = _ORDER_STATISTICS, paired: tuple[Of, ...] = ()) -> MetricSpec:
    return MetricSpec(
        id=f"latency.{name}",
        summary=f"{words} of the time of one call at the deployment batch",
        unit=Unit.SECONDS,
        better=Better.LOWER,
        roles=_COMPARED,
        low=0.0,
        sliced=True,
        columns=(BATCH,),
        bounded=_COMPARED,
        live=True,
        paired=paired,
        source=source,
    )


P50 = _percentile("p50", "median", _SIGNS, (Of.RATIO,))
P90 = _percentile("p90", "90th percentile")
P95 = _percentile("p95", "95th percentile")
P99 = _percentile("p99", "99th percentile")
THROUGHPUT = MetricSpec(
    id="latency.throughput",
    summary="images per second at the deployment batch: batch / median time of one call",
    unit=Unit.PER_SECOND,
    better=Better.HIGHER,
    roles=(*_ABSOLUTE, Of.RATIO),
    low=0.0,
    sliced=True,
    columns=(BATCH,),
    bounded=(*_ABSOLUTE, Of.RATIO),
    live=True,
    paired=(Of.RATIO,),
    source=_SIGNS,
)
COLD_START = MetricSpec(
    id="latency.cold_start",
    summary="from asking for the model in a fresh process, its runtime not yet loaded, to the first answer of a batch",
    unit=Unit.SECONDS,
    better=Better.LOWER,
    roles=_COMPARED,
    low=0.0,
    bounded=_COMPARED,
    live=True,
    paired=(Of.RATIO,),
    source=_SIGNS,
)

METRICS = (P50, P90, P95, P99, THROUGHPUT)
