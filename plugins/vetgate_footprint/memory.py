"""How much memory running a model takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vetgate.api import (
    Ask,
    Inconclusive,
    Measurement,
    Of,
    Quantiles,
    Ran,
    Results,
    Session,
    SessionContext,
    Unit,
    Unstated,
)
from vetgate.statistics import Bounds, mover_sum, percentile_bounds, runs_needed
from vetgate_footprint.metrics import PEAK_MEMORY

FEW_STARTS = 3
"""Of each model where no rule asks for a confidence: peaks of one model differ by some per mille."""
CONFIDENCES = (0.9, 0.95, 0.975, 0.99)
"""At which figures carry bounds where the starts are enough, besides those that rules ask for."""


class MemoryCheck:
    """Starts both models afresh and reads how much memory they made resident at most.

    The process has Python, numpy and the prepared images of one deployment batch; what it holds then is taken off. So
    what counts is the model's runtime library, the model, and what predicting takes. Memory is that of the system's
    processor alone, managed as any program's; pages that processes share count in each.
    """

    def measure(self, context: SessionContext, ask: Ask) -> Results:
        """Return the peak of each model, their difference and their ratio.

        Raises:
            Inconclusive: The system does not tell how much memory a process took.
        """
        asked = sorted({*ask.confidences})
        starts = max([FEW_STARTS, *(runs_needed(0.5, level) for level in asked)])
        coin = np.random.default_rng(ask.seed)
        peaks = np.empty((starts, 2))
        for row in range(starts):
            first = int(coin.integers(2))
            for side in (first, 1 - first):
                peaks[row, side] = _peak(context.reference if side else context.candidate)
        levels = [level for level in sorted({*CONFIDENCES, *asked}) if starts >= runs_needed(0.5, level)]
        return Results(
            measurements=tuple(_measurements(peaks, levels, context)),
            ran=Ran(candidate=context.candidate.execution, reference=context.reference.execution),
        )


def _peak(session: Session) -> float:
    """Return the MB (10^6 bytes) that one fresh start made resident at most, over what was there before."""
    start = session.start_afresh()
    if start.memory_peak is None or start.memory_before is None:
        raise Inconclusive(
            f"{PEAK_MEMORY.id} is not measured: this system does not tell the peak memory of a process",
            hint="run it on Linux",
        )
    if start.memory_peak <= start.memory_before:
        raise Inconclusive(f"{PEAK_MEMORY.id} is not measured: a process says that its model took no memory at all")
    return (start.memory_peak - start.memory_before) / 1e6


def _measurements(
    peaks: NDArray[np.float64], levels: Sequence[float], context: SessionContext
) -> Iterator[Measurement]:
    """Yield the figures of peaks (starts, 2) in MB, the candidate's first."""
    candidate, reference = peaks[:, 0], peaks[:, 1]
    sizes = list(dict.fromkeys(str(session.batch) for session in (context.candidate, context.reference)))
    note = f"median of {len(peaks)} fresh starts at batch {' against '.join(sizes)}; the runtime library counts"

    def bounds(samples: NDArray[np.float64]) -> list[Bounds]:
        return [percentile_bounds(samples, 0.5, level) for level in levels]

    apart = [mover_sum(pair) for pair in zip(bounds(candidate), bounds(-reference), strict=True)]
    ratios = candidate / reference
    figures = (
        (Of.CANDIDATE, float(np.median(candidate)), bounds(candidate)),
        (Of.REFERENCE, float(np.median(reference)), bounds(reference)),
        (Of.DELTA, float(np.median(candidate) - np.median(reference)), apart),
        (Of.RATIO, float(np.median(ratios)), bounds(ratios)),
    )
    for role, value, found in figures:
        yield Measurement(
            metric=PEAK_MEMORY.id,
            role=role,
            value=value,
            unit=Unit.RATIO if role is Of.RATIO else PEAK_MEMORY.unit,
            better=PEAK_MEMORY.better,
            n=len(peaks),
            uncertainty=_quantiles(value, found, levels),
            note=note,
        )


def _quantiles(value: float, bounds: Sequence[Bounds], levels: Sequence[float]) -> Quantiles | Unstated:
    """Return one-sided bounds at ascending confidences as quantiles; the starts may be too few for any."""
    if not bounds:
        return Unstated()
    lower = [bound.lower for bound in reversed(bounds)]
    upper = [bound.upper for bound in bounds]
    low = tuple(round(1.0 - level, 12) for level in reversed(levels))
    return Quantiles(levels=(*low, 0.5, *levels), values=(*lower, value, *upper), method=bounds[0].method)
