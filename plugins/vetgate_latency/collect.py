"""Takes times: warm-up, then pairs of blocks, the order of each pair drawn by a coin, until the questions are answered.

Absolute times of a shared machine drift by tens of per cent within minutes. Both blocks of a pair see nearly the same
machine, and the coin keeps what drift is left from favouring a side. The ratio of the medians is judged by betting on
signs, which holds whenever one stops; all other figures rest on the first pairs alone, whose number is settled in the
warm-up: a number that depended on the times themselves would spoil their bounds.

The coin is drawn afresh in every run. Were it that of a seed, a machine that favours the second block of a pair would
err in every run alike: the first 6 pairs of a seed can all begin with the same model.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

WARM_CALLS = 10
WARM_CALLS_SLOW = 3
"""Where calls are slow; the first is often slower than all that follow."""
WARM_SECONDS = 1.0
BLOCK_SECONDS = 0.02
"""Long beside what reading the clock and waking up cost."""
FEWEST_CALLS, MOST_CALLS = 5, 200
FEWEST_PAIRS = 10
"""Fewer make no steady estimate, even where they decide."""
MOST_PAIRS = 2000
"""Keeps reports small; a ratio that so many leave open lies within some 0.05 standard deviations of the limit."""
MODEST_PAIRS = 40
"""Where no question says when there are enough."""
ROOM = 20
"""Pairs that the time must hold; where it does not, blocks get shorter."""
FIXED_SHARE = 0.8
"""Of the time, for the pairs that are settled beforehand: the machine may turn out slower than in the warm-up."""
EVERY_PAIR = 64
"""Up to here the questions are looked at after each pair, later after every 32nd part more: a look weighs all pairs."""

Block = Callable[[int], NDArray[np.float64]]
"""Times so many calls, one after the other, and returns the seconds (calls,) of each."""
Clock = Callable[[], float]
"""Seconds since some moment."""
Settled = Callable[[Sequence[float]], bool]
"""Whether every question is answered by these log ratios, in the order taken."""


class End(StrEnum):
    """Why no further pair was taken."""

    SETTLED = "every question about the ratio was answered"
    MODEST = "no question asked for more"
    BUDGET = "the time budget ended"
    CAP = "that is the most that are taken"


@dataclass(frozen=True)
class Plan:
    """What the warm-up settles."""

    calls: int
    """In each block, the same for both models."""
    pairs: int
    """The first so many are taken whatever they show; figures other than the ratio of the medians rest on them."""
    fewest: int = FEWEST_PAIRS
    """Pairs before which a budget that is over does not end it."""
    most: int = MOST_PAIRS


@dataclass(frozen=True)
class Timings:
    """Seconds of every call."""

    candidate: NDArray[np.float64]
    """(pairs, calls)"""
    reference: NDArray[np.float64]
    """(pairs, calls)"""
    log_ratios: NDArray[np.float64]
    """(pairs,) ln(median of the candidate's block / median of the reference's), in the order taken."""
    planned: int
    """Pairs whose number was settled beforehand."""
    seconds: float
    """How long it took."""
    end: End

    @property
    def pairs(self) -> int:
        """Return the number of pairs."""
        return len(self.candidate)

    @property
    def calls(self) -> int:
        """Return the calls in each block."""
        return int(self.candidate.shape[1])

    @property
    def fixed(self) -> int:
        """Return the first pairs, on which figures other than the ratio of the medians rest."""
        return min(self.planned, self.pairs)

    @property
    def cut(self) -> str:
        """Return the words for a time that ended before the planned pairs were taken; empty where it did not."""
        return f"the time ended before the {self.planned} pairs that were planned" if self.fixed < self.planned else ""

    @property
    def ending(self) -> str:
        """Return the words for why it ended, to follow what was counted; empty where all was taken that was wanted."""
        return f", then {self.end}" if self.end in (End.BUDGET, End.CAP) else ""


def fresh_seed() -> int:
    """Return a number that nobody foresees, for the order within the pairs of one run."""
    return secrets.randbits(64)


def take_pairs(
    blocks: tuple[Block, Block],
    plan: Plan,
    settled: Settled | None,
    *,
    seed: int,
    clock: Clock,
    seconds: float,
) -> Timings:
    """Return the times of both models, in pairs of blocks.

    Args:
        blocks: Time the candidate and the reference.
        plan: Of the warm-up.
        settled: Whether the pairs so far answer every question; None takes the pairs of the plan and no more.
        seed: Of the order within the pairs; a fair coin only where it is another one in every run (see fresh_seed).
        clock: Tells when the time is over.
        seconds: From now on; at least `plan.fewest` pairs are taken whatever they take.
    """
    start, coin = clock(), np.random.default_rng(seed)
    taken: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    log_ratios: list[float] = []
    end: End | None = None
    while end is None:
        first = int(coin.integers(2))
        for side in (first, 1 - first):
            taken[side].append(blocks[side](plan.calls))
        log_ratios.append(math.log(float(np.median(taken[0][-1])) / float(np.median(taken[1][-1]))))
        end = _end(log_ratios, plan, settled, over=clock() - start >= seconds)
    sides = np.asarray(taken[0]), np.asarray(taken[1])
    return Timings(*sides, np.asarray(log_ratios), plan.pairs, clock() - start, end)


def _end(log_ratios: Sequence[float], plan: Plan, settled: Settled | None, *, over: bool) -> End | None:
    """Return why to stop; None to go on."""
    n = len(log_ratios)
    over = over and n >= plan.fewest
    if n < plan.pairs and not over:
        return None
    if settled is None:
        return End.MODEST if n >= plan.pairs else End.BUDGET
    last = over or n >= plan.most
    if (last or n <= EVERY_PAIR or n % (n // (EVERY_PAIR // 2)) == 0) and settled(log_ratios):
        return End.SETTLED
    if over:
        return End.BUDGET
    return End.CAP if last else None


def warm_up(block: Block) -> NDArray[np.float64]:
    """Return the seconds of the calls before the first pair: ten, or fewer where they take a second, but three."""
    seconds: list[float] = []
    while len(seconds) < WARM_CALLS_SLOW or (len(seconds) < WARM_CALLS and sum(seconds) < WARM_SECONDS):
        seconds.extend(block(1).tolist())
    return np.asarray(seconds)


def typical(seconds: NDArray[np.float64]) -> float:
    """Return the median of the calls after the first."""
    return float(np.median(seconds[1:]))


def make_plan(candidate: float, reference: float, *, seconds: float, pairs: int, calls: int = 0) -> Plan:
    """Return how many calls a block takes, the same for both models, and how many pairs are settled beforehand.

    A block takes 20 ms of the faster model and at least 5 calls, at most 200. Where not even 20 pairs fit into the
    time, blocks get shorter, down to one call.

    Args:
        candidate: Seconds that one call typically takes.
        reference: The same of the reference.
        seconds: For all pairs.
        pairs: To be taken at least; cut to what 80 % of the time holds, but not below ten.
        calls: To be taken at least of each model, in those pairs.
    """
    both = candidate + reference
    block = min(max(math.ceil(BLOCK_SECONDS / min(candidate, reference)), FEWEST_CALLS), MOST_CALLS)
    if ROOM * block * both > seconds:
        block = max(1, int(seconds / (ROOM * both)))
    wanted = max(pairs, math.ceil(calls / block))
    fitting = min(int(FIXED_SHARE * seconds / (block * both)), MOST_PAIRS)
    return Plan(block, max(min(wanted, fitting), FEWEST_PAIRS))
