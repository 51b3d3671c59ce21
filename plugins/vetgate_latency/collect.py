"""Takes times: warm-up, then pairs of blocks, the order of each pair drawn by a coin.

Absolute times of a shared machine drift by tens of per cent within minutes. Both blocks of a pair see nearly the same
machine, and the coin keeps what drift is left from favouring a side. How many pairs and calls there will be is settled
in the warm-up: a number that depended on the pairs themselves would spoil the bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Session, SessionContext

WARM_CALLS = 10
WARM_CALLS_SLOW = 3
"""Where calls are slow; the first is often slower than all that follow."""
WARM_SECONDS = 1.0
BLOCK_SECONDS = 0.02
"""Long beside what reading the clock and waking up cost."""
FEWEST_CALLS, MOST_CALLS = 5, 200
FEWEST_PAIRS, MOST_PAIRS = 10, 40
BUDGET_SECONDS = 20.0


@dataclass(frozen=True)
class Timings:
    """Seconds of every call."""

    candidate: NDArray[np.float64]
    """(pairs, calls)"""
    reference: NDArray[np.float64]
    """(pairs, calls)"""
    warm_candidate: int
    """Calls before the first pair."""
    warm_reference: int

    @property
    def pairs(self) -> int:
        """Return the number of pairs."""
        return len(self.candidate)

    @property
    def calls(self) -> int:
        """Return the calls in each block."""
        return int(self.candidate.shape[1])

    @property
    def log_ratios(self) -> NDArray[np.float64]:
        """Return (pairs,) ln(median of the candidate's block / median of the reference's)."""
        medians = np.median(self.candidate, axis=1), np.median(self.reference, axis=1)
        found: NDArray[np.float64] = np.log(medians[0] / medians[1])
        return found


def collect(context: SessionContext, seed: int) -> Timings:
    """Return the times of both models.

    Args:
        context: Both sessions, live.
        seed: Of the order within the pairs.
    """
    warm_candidate, warm_reference = warm_up(context.candidate), warm_up(context.reference)
    calls, pairs = plan(typical(warm_candidate), typical(warm_reference))
    candidate, reference = np.empty((pairs, calls)), np.empty((pairs, calls))
    candidate_first = np.random.default_rng(seed).integers(0, 2, size=pairs, dtype=np.int64) == 1
    for pair, first in enumerate(candidate_first.tolist()):
        if first:
            candidate[pair] = context.candidate.time(calls)
        reference[pair] = context.reference.time(calls)
        if not first:
            candidate[pair] = context.candidate.time(calls)
    return Timings(candidate, reference, len(warm_candidate), len(warm_reference))


def warm_up(session: Session) -> NDArray[np.float64]:
    """Return the seconds of the calls before the first pair: ten, or fewer where they take a second, but three."""
    seconds: list[float] = []
    while len(seconds) < WARM_CALLS_SLOW or (len(seconds) < WARM_CALLS and sum(seconds) < WARM_SECONDS):
        seconds.extend(session.time(1).tolist())
    return np.asarray(seconds)


def typical(seconds: NDArray[np.float64]) -> float:
    """Return the median of the calls after the first."""
    return float(np.median(seconds[1:]))


def plan(candidate: float, reference: float) -> tuple[int, int]:
    """Return how many calls a block takes, the same for both models, and how many pairs there will be.

    A block takes 20 ms of the faster model and at least 5 calls, at most 200. There are 40 pairs, fewer where they
    would take more than 20 s, but at least 10; where not even 10 fit, blocks get shorter, down to one call.

    Args:
        candidate: Seconds that one call typically takes.
        reference: The same of the reference.
    """
    both = candidate + reference
    calls = math.ceil(BLOCK_SECONDS / min(candidate, reference))
    calls = min(max(calls, FEWEST_CALLS), MOST_CALLS)
    if FEWEST_PAIRS * calls * both > BUDGET_SECONDS:
        calls = max(1, int(BUDGET_SECONDS / (FEWEST_PAIRS * both)))
    pairs = int(BUDGET_SECONDS / (calls * both))
    return calls, min(max(pairs, FEWEST_PAIRS), MOST_PAIRS)
