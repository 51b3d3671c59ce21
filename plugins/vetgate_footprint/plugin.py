"""Declares the footprint check."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.api import Better, Check, CheckSpec, MetricSpec, Need, Of, StructureContext, Unit, hookimpl

_ALL = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA, Of.RATIO)
_NO_RATIO = (Of.CANDIDATE, Of.REFERENCE, Of.DELTA)
_SOURCE = "after Francy and Singh, Edge AI: Evaluation of Model Compression Techniques, 2024, section III.E"


def _metric(
    what: str,
    summary: str,
    unit: Unit,
    better: Better = Better.LOWER,
    roles: tuple[Of, ...] = _ALL,
    high: float | None = None,
) -> MetricSpec:
    return MetricSpec(
        f"footprint.{what}", summary, unit, better, roles, low=0.0, high=high, bounded=roles, source=_SOURCE
    )


METRICS = (
    _metric("size_mb", "everything that ships, in decimal megabytes", Unit.MEGABYTES),
    _metric(
        "gzip_mb", "the same, gzip-compressed: what zeros and few distinct weights save on the wire", Unit.MEGABYTES
    ),
    _metric("params", "learned values, also those packed inside quantised operators", Unit.COUNT),
    _metric("nonzero_params", "learned values that are not zero after de-quantisation", Unit.COUNT),
    _metric(
        "sparsity",
        "share of learned values that are zero; saves no time by itself",
        Unit.FRACTION,
        Better.NEITHER,
        _NO_RATIO,
        1.0,
    ),
    _metric("unique_weights", "distinct values of the weight tensor that has most of them", Unit.COUNT),
    _metric("bits_per_weight", "storage bits of one learned value, on average", Unit.BITS),
    _metric("macs", "multiply-accumulates of one image, counted from the graph", Unit.COUNT),
)


def _check() -> Check[StructureContext]:
    from vetgate_footprint.check import FootprintCheck

    return FootprintCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[StructureContext]]:
    """The footprint of both models."""
    summary = "size, parameters, zeros, distinct weights and MACs, counted from the files"
    return [CheckSpec("footprint", summary, Need.STRUCTURE, METRICS, _check)]
