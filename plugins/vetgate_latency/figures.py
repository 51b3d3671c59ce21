"""From times to measurements."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Measurement, MetricSpec, Of, Pairs, Quantiles, Unit, Unstated
from vetgate.statistics import percentile_bounds, runs_needed
from vetgate_latency.collect import Timings
from vetgate_latency.metrics import P50, P90, P95, THROUGHPUT

CONFIDENCES = (0.99, 0.975, 0.95, 0.9)
LEVELS = (0.01, 0.025, 0.05, 0.1, 0.5, 0.9, 0.95, 0.975, 0.99)
PERCENTILES = ((P50, 0.5), (P90, 0.9), (P95, 0.95))


def quantiles(samples: NDArray[np.float64], p: float) -> Quantiles:
    """Return the one-sided bounds of a percentile at each level: at 0.05 the lower one at 95 %, at 0.95 the upper.

    Calls are taken as independent; drift within a run makes the true uncertainty greater.
    """
    bounds = [percentile_bounds(samples, p, confidence) for confidence in CONFIDENCES]
    lower = [bound.lower for bound in bounds]
    upper = [bound.upper for bound in reversed(bounds)]
    return Quantiles(levels=LEVELS, values=(*lower, bounds[0].estimate, *upper))


def too_few(calls: int) -> tuple[tuple[MetricSpec, int], ...]:
    """Return the percentiles that so many calls are too few for, with the calls that they need.

    A percentile is given where it has a finite bound on either side at every level.
    """
    needed = ((spec, runs_needed(p, max(CONFIDENCES))) for spec, p in PERCENTILES)
    return tuple((spec, fewest) for spec, fewest in needed if calls < fewest)


def _given(calls: int) -> list[tuple[MetricSpec, float]]:
    left_out = {spec.id for spec, _ in too_few(calls)}
    return [(spec, p) for spec, p in PERCENTILES if spec.id not in left_out]


def absolute(timings: Timings, batches: tuple[int, int]) -> Iterator[Measurement]:
    """Yield percentiles and throughput of each model; a percentile that the calls are too few for is left out.

    Args:
        timings: The times.
        batches: Images of one call, of the candidate and of the reference.
    """
    sides = ((Of.CANDIDATE, timings.candidate, batches[0]), (Of.REFERENCE, timings.reference, batches[1]))
    for role, seconds, batch in sides:
        samples = seconds.reshape(-1)
        note = f"{len(samples):,} calls at batch {batch}; comparable on this machine only"
        for spec, p in _given(len(samples)):
            bounds = quantiles(samples, p)
            yield _figure(spec, role, bounds.values[LEVELS.index(0.5)], len(samples), bounds, note)
        rates = tuple(batch / bound for bound in reversed(quantiles(samples, 0.5).values))
        bounds = Quantiles(levels=LEVELS, values=rates)
        yield _figure(THROUGHPUT, role, rates[LEVELS.index(0.5)], len(samples), bounds, note)


def compared(timings: Timings, note: str) -> Iterator[Measurement]:
    """Yield differences and ratios of the times of one call, for models of the same deployment batch.

    The ratio of the medians is that of the pairs and not the quotient of the absolute figures, which drift blurs.
    """
    yield _ratio(P50, timings.log_ratios, note)
    candidate, reference = timings.candidate.reshape(-1), timings.reference.reshape(-1)
    n = len(candidate)
    for spec, p in _given(n):
        values = [percentile_bounds(samples, p, CONFIDENCES[0]).estimate for samples in (candidate, reference)]
        yield _figure(spec, Of.DELTA, values[0] - values[1], n, Unstated(), note)
        if spec is not P50:
            yield _figure(spec, Of.RATIO, values[0] / values[1], n, Unstated(), note)


def throughput_ratio(timings: Timings, batches: tuple[int, int], note: str) -> Measurement:
    """Return the ratio of images per second, from the same pairs; it holds between different batches too."""
    return _ratio(THROUGHPUT, math.log(batches[0] / batches[1]) - timings.log_ratios, note)


def _ratio(spec: MetricSpec, log_ratios: NDArray[np.float64], note: str) -> Measurement:
    pairs = Pairs(log_ratios=tuple(log_ratios.tolist()))
    return _figure(spec, Of.RATIO, math.exp(float(np.median(log_ratios))), len(log_ratios), pairs, note)


def _figure(
    spec: MetricSpec, role: Of, value: float, n: int, uncertainty: Quantiles | Pairs | Unstated, note: str
) -> Measurement:
    return Measurement(
        metric=spec.id,
        role=role,
        value=value,
        unit=Unit.RATIO if role is Of.RATIO else spec.unit,
        better=spec.better,
        n=n,
        uncertainty=uncertainty,
        note=note,
    )
