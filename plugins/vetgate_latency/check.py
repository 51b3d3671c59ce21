"""How fast the two models answer, one beside the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from vetgate.api import BATCH, Ask, Finding, Measurement, Of, Ran, Results, Session, SessionContext, Severity, Slice
from vetgate_latency.collect import Block, Clock, fresh_seed, make_plan, take_pairs, typical, warm_up
from vetgate_latency.exhibits import distribution, served, table
from vetgate_latency.figures import Phase
from vetgate_latency.questions import PERCENTILES, Batches, all_settled, concerning, fixed_part, levels, thresholds
from vetgate_latency.runs import differences

SINGLE = Batches(1, 1)


class LatencyCheck:
    """Times both models and hands on percentiles, throughput and the pairs that bound their ratio.

    Args:
        clock: Tells when the time budget is over.
        draw: Gives the seed of the order within pairs, another one at every call.
    """

    def __init__(self, clock: Clock = time.monotonic, draw: Callable[[], int] = fresh_seed) -> None:
        self._clock, self._draw = clock, draw

    def measure(self, context: SessionContext, ask: Ask) -> Results:
        """Return absolute figures of each model, and their ratios, at the deployment batch and at batch 1.

        Models of different deployment batches have no ratio of the times of one call there: a call of eight images is
        no slower model. Their ratio of images per second stands, and at batch 1 all are compared.
        """
        deployed = Batches(context.candidate.batch, context.reference.batch)
        start = self._clock()
        main = self._time(context, ask, deployed, ask.seconds if deployed == SINGLE else ask.seconds / 2)
        single = main
        if deployed != SINGLE:
            single = self._time(context, ask, SINGLE, max(ask.seconds / 2, ask.seconds - (self._clock() - start)))
        if not deployed.alike:
            single = replace(single, differ="; ".join(filter(None, (single.differ, _batches_differ_words(deployed)))))
        phases = (main,) if single is main else (main, single)
        return Results(
            measurements=tuple(_measurements(main, single, ask)),
            findings=(*_batches_differ(deployed, ask), *_too_few(phases, ask)),
            exhibits=(
                *(table(context, phase) for phase in phases),
                *(distribution(phase) for phase in phases),
                *served(context),
            ),
            ran=Ran(candidate=context.candidate.execution, reference=context.reference.execution),
        )

    def _time(self, context: SessionContext, ask: Ask, batches: Batches, seconds: float) -> Phase:
        """Take the pairs of one phase."""
        start = self._clock()
        deployed = batches == Batches(context.candidate.batch, context.reference.batch)
        questions, confidences = concerning(ask, batches, deployed=deployed), levels(ask)
        blocks = (_block(context.candidate, batches.candidate), _block(context.reference, batches.reference))
        warm = [warm_up(block) for block in blocks]
        left = max(0.0, seconds - (self._clock() - start))
        pairs, calls = fixed_part(questions, batches, confidences, deployed=deployed)
        plan = make_plan(typical(warm[0]), typical(warm[1]), seconds=left, pairs=pairs, calls=calls)
        limits = thresholds(questions, batches)
        timings = take_pairs(
            blocks,
            plan,
            partial(all_settled, limits) if limits else None,
            seed=self._draw(),
            clock=self._clock,
            seconds=left,
        )
        return Phase(batches, timings, confidences, context.machine, differences(context), ask.seed)


def _block(session: Session, batch: int) -> Block:
    return partial(session.time, batch=batch)


def _measurements(main: Phase, single: Phase, ask: Ask) -> Iterator[Measurement]:
    """Yield the figures of the deployment batches, then those of batch 1, then deployment ones that a rule slices."""
    yield from _phase(main, None)
    if single is not main:
        yield from _phase(single, Slice(by=BATCH, value="1"))
    sliced = {question.metric for question in ask.questions if question.slice and question.slice.by == BATCH}
    yield from (figure for figure in _of_deployment(main) if figure.metric in sliced)


def _phase(phase: Phase, part: Slice | None) -> Iterator[Measurement]:
    for role in (Of.CANDIDATE, Of.REFERENCE):
        yield from phase.absolute(role, part)
    if phase.batches.alike:
        yield from phase.compared(part)
    yield phase.throughput_ratio(part)


def _of_deployment(main: Phase) -> Iterator[Measurement]:
    """Yield the figures of the deployment batches as slices; where the two differ each model has its own."""
    batches = main.batches
    if batches.alike:
        yield from _phase(main, Slice(by=BATCH, value=str(batches.candidate)))
        return
    for role, batch in ((Of.CANDIDATE, batches.candidate), (Of.REFERENCE, batches.reference)):
        if batch != 1:  # batch 1 has been timed on both models by itself
            yield from main.absolute(role, Slice(by=BATCH, value=str(batch)))


def _batches_differ_words(batches: Batches) -> str:
    return (
        f"the deployment batches differ, {batches.candidate} against {batches.reference}, "
        "and are compared by images per second alone"
    )


def _batches_differ(batches: Batches, ask: Ask) -> Iterator[Finding]:
    """Yield, for each figure that a rule lacks by it, that times of one call are not compared."""
    if batches.alike:
        return
    lacking = {each.metric for each in ask.questions if each.slice is None and each.of in (Of.DELTA, Of.RATIO)}
    told = (
        f"the deployment batch of the candidate is {batches.candidate} and that of the reference {batches.reference}, "
        "so the times of one call are compared at batch 1 only; images per second are compared at both."
    )
    openings = [f"{spec.id} is not compared: {told}" for spec, _ in PERCENTILES if spec.id in lacking]
    for message in openings or [f"T{told[1:]}"]:
        yield Finding(
            rule="latency.batch",
            severity=Severity.LOW,
            message=message,
            advice=f"Run both at one batch: --reference-execution batch={batches.candidate} "
            "(--latency-reference-execution where another build is timed), or `batch` in both cards.",
        )


def _too_few(phases: Sequence[Phase], ask: Ask) -> Iterator[Finding]:
    """Yield a finding for each percentile that a rule names and that the calls were too few for."""
    for phase in phases:
        for spec, needed in phase.too_few():
            if spec.id in ask.metrics:
                size = max(phase.batches.candidate, phase.batches.reference)
                yield Finding(
                    rule="latency.calls",
                    severity=Severity.INFO,
                    message=f"{spec.id} needs {needed} calls; the time budget allowed {phase.calls} at batch {size}.",
                    advice="Give timing more time with --timing-budget SECONDS.",
                )
