"""From times to measurements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Measurement, MetricSpec, Of, Pairs, Quantiles, Slice, Unit
from vetgate.statistics import percentile_bounds
from vetgate_latency.collect import Timings
from vetgate_latency.metrics import P50, THROUGHPUT
from vetgate_latency.questions import PERCENTILES, Batches, calls_needed
from vetgate_latency.tails import quantiles, resample


@dataclass(frozen=True)
class Phase:
    """What was timed at one pair of batches."""

    batches: Batches
    timings: Timings
    confidences: Sequence[float]
    """At which figures carry bounds."""
    machine: str
    differ: str
    """In what the runs differ; empty where they do not."""
    seed: int

    @property
    def candidate(self) -> NDArray[np.float64]:
        """Return (pairs, calls), seconds of the candidate in the pairs whose number was settled beforehand."""
        return self.timings.candidate[: self.timings.fixed]

    @property
    def reference(self) -> NDArray[np.float64]:
        """Return the same of the reference."""
        return self.timings.reference[: self.timings.fixed]

    @property
    def calls(self) -> int:
        """Return the calls of each model that percentiles rest on."""
        return self.candidate.size

    def too_few(self) -> tuple[tuple[MetricSpec, int], ...]:
        """Return the percentiles that these calls are too few for, with the calls that they need."""
        needed = ((spec, calls_needed(p, self.confidences)) for spec, p in PERCENTILES)
        return tuple((spec, fewest) for spec, fewest in needed if self.calls < fewest)

    def given(self) -> list[tuple[MetricSpec, float]]:
        """Return the percentiles that have a finite bound on either side at every level."""
        left_out = {spec.id for spec, _ in self.too_few()}
        return [(spec, p) for spec, p in PERCENTILES if spec.id not in left_out]

    def absolute(self, role: Of, part: Slice | None = None) -> Iterator[Measurement]:
        """Yield percentiles and throughput of one model."""
        seconds = (self.candidate if role is Of.CANDIDATE else self.reference).reshape(-1)
        batch = self.batches.candidate if role is Of.CANDIDATE else self.batches.reference
        where = f"on {self.machine}; comparable there only" if self.machine else "comparable on this machine only"
        note = _joined(f"{len(seconds):,} calls at batch {batch}, {where}", self.timings.cut)
        for spec, p in self.given():
            yield _figure(spec, role, bounds_at(seconds, p, self.confidences), len(seconds), note, part)
        if len(seconds) < calls_needed(0.5, self.confidences):
            return
        median = bounds_at(seconds, 0.5, self.confidences)
        rates = median.model_copy(update={"values": tuple(batch / value for value in reversed(median.values))})
        yield _figure(THROUGHPUT, role, rates, len(seconds), note, part)

    def compared(self, part: Slice | None = None) -> Iterator[Measurement]:
        """Yield differences and ratios of the times of one call, for models of the same batch.

        The ratio of the medians is that of the pairs and not the quotient of the absolute figures, which drift blurs.
        """
        note = self.note()
        yield _ratio(P50, self.timings.log_ratios, note, part)
        tails = resample(self.candidate, self.reference, [p for _, p in self.given()], self.seed)
        for spec, p in self.given():
            yield _figure(spec, Of.DELTA, tails.difference(p, self.confidences), self.calls, note, part)
            if spec is not P50:
                yield _figure(spec, Of.RATIO, tails.ratio(p, self.confidences), self.calls, note, part)

    def throughput_ratio(self, part: Slice | None = None) -> Measurement:
        """Return the ratio of images per second, from the same pairs; it holds between different batches too."""
        scale = math.log(self.batches.candidate / self.batches.reference)
        return _ratio(THROUGHPUT, scale - self.timings.log_ratios, self.note(), part)

    @property
    def _differ(self) -> str:
        """Return in what the runs differ, the images of one call among it."""
        if self.batches.alike:
            return self.differ
        batches = f"batch ({self.batches.candidate} against {self.batches.reference})"
        return f"{self.differ}, {batches}" if self.differ else f"the runs differ in {batches}"

    def note(self) -> str:
        """Return what was counted, the noise that was seen, and in what the runs differ.

        All comparisons carry this one text, so that a report tells it once for all of them.
        """
        timings = self.timings
        calls = "1 call" if timings.calls == 1 else f"{timings.calls} calls"
        counted = f"{timings.pairs:,} pairs of blocks of {calls} in {timings.seconds:.2g} s"
        first = f"all but the ratio of the medians rests on the first {timings.fixed}"
        noise = f"half of the pairs lie within ±{spread(timings.log_ratios):.2g} % of the median ratio"
        return _joined(
            counted if timings.cut else f"{counted}{timings.ending}",
            timings.cut,
            noise,
            first if timings.fixed < timings.pairs else "",
            self._differ,
        )


def _joined(*words: str) -> str:
    return "; ".join(filter(None, words))


def spread(log_ratios: NDArray[np.float64]) -> float:
    """Return, in per cent, how far from the median ratio half of the pairs lie at most."""
    return 100.0 * math.expm1(float(np.median(np.abs(log_ratios - np.median(log_ratios)))))


def bounds_at(samples: NDArray[np.float64], p: float, confidences: Sequence[float]) -> Quantiles:
    """Return the one-sided bounds of a percentile at each confidence: at 0.05 the lower one at 95 %, at 0.95 the upper.

    Calls are taken as independent; drift within a run makes the true uncertainty greater.
    """
    bounds = [percentile_bounds(samples, p, confidence) for confidence in sorted(confidences, reverse=True)]
    lower, upper = [bound.lower for bound in bounds], [bound.upper for bound in bounds]
    return quantiles(lower, bounds[0].estimate, upper, confidences, "order statistics")


def _ratio(spec: MetricSpec, log_ratios: NDArray[np.float64], note: str, part: Slice | None) -> Measurement:
    return Measurement(
        metric=spec.id,
        role=Of.RATIO,
        value=math.exp(float(np.median(log_ratios))),
        unit=Unit.RATIO,
        better=spec.better,
        n=len(log_ratios),
        uncertainty=Pairs(log_ratios=tuple(log_ratios.tolist())),
        slice=part,
        note=note,
    )


def _figure(spec: MetricSpec, role: Of, bounds: Quantiles, n: int, note: str, part: Slice | None) -> Measurement:
    return Measurement(
        metric=spec.id,
        role=role,
        value=bounds.values[bounds.levels.index(0.5)],
        unit=Unit.RATIO if role is Of.RATIO else spec.unit,
        better=spec.better,
        n=n,
        uncertainty=bounds,
        slice=part,
        note=note,
    )
