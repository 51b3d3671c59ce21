"""What rules ask, as the collector needs to know it: which limits on the ratio to settle, and what else to take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vetgate.api import BATCH, Ask, MetricSpec, Of, Question
from vetgate.statistics import runs_needed, sign_capitals
from vetgate_latency.collect import FEWEST_PAIRS, MODEST_PAIRS
from vetgate_latency.metrics import P50, P90, P95, P99, THROUGHPUT

CONFIDENCES = (0.9, 0.95, 0.975, 0.99)
"""At which figures carry bounds, besides those that rules ask for."""
PERCENTILES: tuple[tuple[MetricSpec, float], ...] = ((P50, 0.5), (P90, 0.9), (P95, 0.95), (P99, 0.99))
BOUNDED_CALLS = 4000
"""Of each model where a rule asks for a confidence on a tail, as far as the time allows; settled beforehand, for bounds
by order statistics do not hold for a number that depends on the times. At 95 % the bounds of a p95 of independent calls
then stand at 94.4 and 95.6 % of the calls."""


@dataclass(frozen=True)
class Batches:
    """Images of one call in one phase of the timing."""

    candidate: int
    reference: int

    @property
    def alike(self) -> bool:
        """Return whether the times of one call can be compared."""
        return self.candidate == self.reference


@dataclass(frozen=True)
class Threshold:
    """One limit on the ratio of the times of one call, and the chance of error at which a rule wants it settled."""

    ratio: float
    error: float

    def settled(self, log_ratios: Sequence[float]) -> bool:
        """Return whether the pairs tell on which side of the limit the ratio lies."""
        capitals = sign_capitals(log_ratios, self.ratio)
        return max(capitals.up, capitals.down) >= 1.0 / self.error


def concerning(ask: Ask, batches: Batches, *, deployed: bool) -> tuple[Question, ...]:
    """Return the questions that a phase answers.

    Args:
        ask: Of the policy.
        batches: Of the phase.
        deployed: Whether they are the deployment batches, at which figures without a slice are taken.
    """
    sizes = {str(batches.candidate), str(batches.reference)}

    def concerns(question: Question) -> bool:
        if question.slice is None:
            return deployed
        return question.slice.by == BATCH and question.slice.value in (None, *sizes)

    return tuple(filter(concerns, ask.questions))


def thresholds(questions: Iterable[Question], batches: Batches) -> tuple[Threshold, ...]:
    """Return the limits that betting on signs is to settle; a limit on images per second as one on the time of a call.

    A rule on each batch fails at half its error (two slices at most, corrected after Holm), so it is asked at that.
    """
    found = set()
    for question in questions:
        if not _is_bet(question, batches) or question.confidence is None:
            continue
        error = 1.0 - question.confidence
        if question.slice is not None and question.slice.value is None:
            error /= 2
        for limit in (question.at_least, question.at_most):
            if limit is not None and limit > 0:
                scale = batches.candidate / batches.reference
                found.add(Threshold(scale / limit if question.metric == THROUGHPUT.id else limit, error))
    return tuple(sorted(found, key=lambda threshold: (threshold.ratio, threshold.error)))


def _is_bet(question: Question, batches: Batches) -> bool:
    """Whether a question is one on the ratio of the medians, at a confidence."""
    median = question.metric == THROUGHPUT.id or (question.metric == P50.id and batches.alike)
    return median and question.of is Of.RATIO and question.confidence is not None


def all_settled(limits: Sequence[Threshold], log_ratios: Sequence[float]) -> bool:
    """Return whether the pairs settle every limit."""
    return all(limit.settled(log_ratios) for limit in limits)


def levels(ask: Ask) -> tuple[float, ...]:
    """Return the confidences at which figures carry bounds, ascending."""
    return tuple(sorted({*CONFIDENCES, *ask.confidences}))


def calls_needed(p: float, confidences: Sequence[float]) -> int:
    """Return the calls under which a percentile lacks a finite bound at some level, and is not given."""
    return runs_needed(p, max(confidences))


def fixed_part(
    questions: Sequence[Question], batches: Batches, confidences: Sequence[float], *, deployed: bool
) -> tuple[int, int]:
    """Return the pairs and calls that are taken whatever they show.

    They are few where rules ask for the ratio of the medians alone, and where they ask for nothing at batch 1.
    """
    others = [question for question in questions if not _is_bet(question, batches)]
    pairs = MODEST_PAIRS if others or (deployed and not questions) else FEWEST_PAIRS
    calls = 0
    for spec, p in PERCENTILES[1:]:
        asked = [question for question in others if question.metric == spec.id]
        if asked:
            calls = max(calls, calls_needed(p, confidences))
        if any(question.confidence for question in asked):
            calls = max(calls, BOUNDED_CALLS)
    return pairs, calls
