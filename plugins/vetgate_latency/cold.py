"""How long a model takes from nothing to its first answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Ask, Measurement, Of, Pairs, Quantiles, Ran, Results, Session, SessionContext, Unit, Unstated
from vetgate.statistics import Bounds, mover_sum, percentile_bounds, runs_needed
from vetgate_latency.collect import Block, Clock, Plan, Timings, fresh_seed, take_pairs
from vetgate_latency.metrics import COLD_START
from vetgate_latency.questions import Threshold, all_settled, levels
from vetgate_latency.runs import differences
from vetgate_latency.tails import quantiles

FEW_STARTS = 3
"""Of each model where no rule asks for a confidence: a start takes seconds where a library is large."""
MOST_STARTS = 100


class ColdStartCheck:
    """Starts both models afresh, in pairs of random order.

    What counts: loading the plugin and the model's runtime library, opening the file, and predicting one deployment
    batch. What does not: starting the process and Python, importing numpy, and preparing the images. Files and
    libraries are in the memory of the system, for the model has run before; a device that has just booted takes longer.

    Args:
        clock: Tells when the time budget is over.
        draw: Gives the seed of the order within pairs, another one at every call.
    """

    def __init__(self, clock: Clock = time.monotonic, draw: Callable[[], int] = fresh_seed) -> None:
        self._clock, self._draw = clock, draw

    def measure(self, context: SessionContext, ask: Ask) -> Results:
        """Return the time from nothing to the first answer of each model, their difference and their ratio."""
        confident = [question for question in ask.questions if question.confidence is not None]
        limits = [
            Threshold(limit, 1.0 - question.confidence)
            for question in confident
            if question.of is Of.RATIO and question.confidence is not None
            for limit in (question.at_least, question.at_most)
            if limit is not None and limit > 0
        ]
        others = [question.confidence for question in confident if question.of is not Of.RATIO]
        fixed = max([FEW_STARTS, *(runs_needed(0.5, level) for level in others if level is not None)])
        timings = take_pairs(
            (_starts(context.candidate), _starts(context.reference)),
            Plan(calls=1, pairs=fixed, fewest=FEW_STARTS, most=MOST_STARTS),
            partial(all_settled, limits) if limits else None,
            seed=self._draw(),
            clock=self._clock,
            seconds=ask.seconds,
        )
        return Results(
            measurements=tuple(_measurements(timings, context, levels(ask))),
            ran=Ran(candidate=context.candidate.execution, reference=context.reference.execution),
        )


def _starts(session: Session) -> Block:
    def seconds(starts: int) -> NDArray[np.float64]:
        begun = [session.start_afresh() for _ in range(starts)]
        return np.asarray([start.opening + start.first for start in begun])

    return seconds


def _measurements(timings: Timings, context: SessionContext, confidences: Sequence[float]) -> Iterator[Measurement]:
    sides = timings.candidate[: timings.fixed, 0], timings.reference[: timings.fixed, 0]
    stated = [level for level in confidences if timings.fixed >= runs_needed(0.5, level)]
    where = f"on {context.machine}" if context.machine else "on this machine"
    for role, seconds, batch in zip(
        (Of.CANDIDATE, Of.REFERENCE), sides, (context.candidate.batch, context.reference.batch), strict=True
    ):
        note = f"median of {len(seconds)} fresh starts at batch {batch} {where}; comparable there only"
        bounds = [percentile_bounds(seconds, 0.5, level) for level in stated]
        yield _figure(
            role, float(np.median(seconds)), len(seconds), _stated(float(np.median(seconds)), bounds, stated), note
        )
    differ = differences(context)
    note = f"{timings.pairs} pairs of fresh starts{timings.ending}" + (f"; {differ}" if differ else "")
    apart = [
        mover_sum([percentile_bounds(side * sign, 0.5, level) for side, sign in zip(sides, (1.0, -1.0), strict=True)])
        for level in stated
    ]
    delta = float(np.median(sides[0]) - np.median(sides[1]))
    yield _figure(Of.DELTA, delta, timings.fixed, _stated(delta, apart, stated), note)
    log_ratios = timings.log_ratios
    pairs = Pairs(log_ratios=tuple(log_ratios.tolist()))
    yield _figure(Of.RATIO, math.exp(float(np.median(log_ratios))), timings.pairs, pairs, note)


def _stated(value: float, bounds: Sequence[Bounds], confidences: Sequence[float]) -> Quantiles | Unstated:
    """Return bounds at ascending confidences as quantiles; the starts may be too few for any."""
    if not bounds:
        return Unstated()
    falling = list(reversed(bounds))
    lower, upper = [bound.lower for bound in falling], [bound.upper for bound in falling]
    return quantiles(lower, value, upper, confidences, bounds[0].method)


def _figure(role: Of, value: float, n: int, uncertainty: Quantiles | Pairs | Unstated, note: str) -> Measurement:
    return Measurement(
        metric=COLD_START.id,
        role=role,
        value=value,
        unit=Unit.RATIO if role is Of.RATIO else COLD_START.unit,
        better=COLD_START.better,
        n=n,
        uncertainty=uncertainty,
        note=note,
    )
