"""The figures that this check declares."""

from __future__ import annotations

from vetgate.api import Better, MetricSpec, Of, Unit

_ABSOLUTE = (Of.CANDIDATE, Of.REFERENCE)
_ORDER_STATISTICS = "Thompson, Annals of Mathematical Statistics 7 (1936): order statistics"


def _percentile(name: str, words: str, *bounded: Of) -> MetricSpec:
    return MetricSpec(
        id=f"latency.{name}",
        summary=f"{words} of the time of one call at the deployment batch",
        unit=Unit.SECONDS,
        better=Better.LOWER,
        roles=(*_ABSOLUTE, Of.DELTA, Of.RATIO),
        low=0.0,
        bounded=(*_ABSOLUTE, *bounded),
        source=_ORDER_STATISTICS,
    )


P50 = _percentile("p50", "median", Of.RATIO)
P90 = _percentile("p90", "90th percentile")
P95 = _percentile("p95", "95th percentile")
THROUGHPUT = MetricSpec(
    id="latency.throughput",
    summary="images per second at the deployment batch: batch / median time of one call",
    unit=Unit.PER_SECOND,
    better=Better.HIGHER,
    roles=(*_ABSOLUTE, Of.RATIO),
    low=0.0,
    bounded=(*_ABSOLUTE, Of.RATIO),
    source=_ORDER_STATISTICS,
)

METRICS = (P50, P90, P95, THROUGHPUT)
