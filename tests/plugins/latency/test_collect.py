"""Pairs are taken in random order until the questions are answered or the time is over, and no longer."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from vetgate_latency.collect import (
    FEWEST_PAIRS,
    MOST_PAIRS,
    Block,
    End,
    Plan,
    Timings,
    make_plan,
    take_pairs,
    typical,
    warm_up,
)
from vetgate_latency.questions import Threshold, all_settled


@dataclass
class Machine:
    """A machine with a clock of its own."""

    now: float = 0.0
    log: list[str] = field(default_factory=list)
    """Whose block came when."""
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def clock(self) -> float:
        return self.now

    def block(self, name: str, seconds: float, jitter: float = 0.0) -> Block:
        """Return what times calls that take so long, but for a jitter of their logarithm."""

        def time(calls: int) -> NDArray[np.float64]:
            found: NDArray[np.float64] = seconds * np.exp(jitter * self.random.standard_normal(calls))
            self.now += float(found.sum())
            self.log.append(name)
            return found

        return time


@pytest.fixture
def machine() -> Machine:
    return Machine()


def sessions(machine: Machine, ratio: float, jitter: float = 0.0) -> tuple[Block, Block]:
    return machine.block("candidate", 0.002 * ratio, jitter), machine.block("reference", 0.002, jitter)


def take(machine: Machine, blocks: tuple[Block, Block], *limits: Threshold, **more: float) -> Timings:
    plan = Plan(calls=int(more.get("calls", 5)), pairs=int(more.get("pairs", FEWEST_PAIRS)))
    settled = partial(all_settled, limits) if limits else None
    seed = int(more.get("seed", 0))
    return take_pairs(blocks, plan, settled, seed=seed, clock=machine.clock, seconds=more.get("seconds", 20.0))


def test_a_clear_case_is_settled_by_the_fewest_pairs(machine: Machine) -> None:
    timings = take(machine, sessions(machine, 0.5), Threshold(1.1, 0.05))
    assert (timings.pairs, timings.end) == (FEWEST_PAIRS, End.SETTLED)
    assert timings.ending == ""
    assert timings.seconds == pytest.approx(10 * 5 * 0.003)


def test_a_close_case_goes_on_until_it_is_settled(machine: Machine) -> None:
    timings = take(machine, sessions(machine, 1.03, jitter=0.1), Threshold(1.0, 0.05))
    assert timings.end is End.SETTLED
    assert FEWEST_PAIRS < timings.pairs < 400
    assert timings.fixed == FEWEST_PAIRS


def test_every_question_must_be_settled(machine: Machine) -> None:
    easy, hard = Threshold(2.0, 0.05), Threshold(1.0, 0.01)
    assert take(machine, sessions(machine, 1.02, jitter=0.1), easy).pairs == FEWEST_PAIRS
    for limits in ((easy, hard), (hard, easy)):
        timings = take(machine, sessions(machine, 1.02, jitter=0.1), *limits)
        assert timings.pairs > FEWEST_PAIRS
        assert all_settled(limits, timings.log_ratios.tolist())


def test_the_time_budget_ends_what_cannot_be_settled(machine: Machine) -> None:
    timings = take(machine, sessions(machine, 1.0, jitter=0.1), Threshold(1.0, 0.001), seconds=2.0)
    assert timings.end is End.BUDGET
    assert timings.ending == ", then the time budget ended"
    assert 2.0 <= timings.seconds < 2.1


def test_equal_models_without_any_noise_are_never_told_apart(machine: Machine) -> None:
    timings = take(machine, sessions(machine, 1.0), Threshold(1.0, 0.05), seconds=1.0)
    assert timings.end is End.BUDGET


def test_no_more_pairs_are_taken_than_a_report_can_hold(machine: Machine) -> None:
    timings = take(machine, sessions(machine, 1.0), Threshold(1.0, 0.05), calls=1, seconds=1e9)
    assert (timings.pairs, timings.end) == (MOST_PAIRS, End.CAP)


def test_ten_pairs_are_taken_whatever_they_take(machine: Machine) -> None:
    for limits in ((Threshold(1.0, 0.01),), (Threshold(2.0, 0.05),), ()):
        timings = take(machine, sessions(machine, 1.0, jitter=0.1), *limits, seconds=0.0, pairs=40)
        assert (timings.pairs, timings.fixed) == (FEWEST_PAIRS, FEWEST_PAIRS)


def test_without_a_question_the_plan_is_carried_out(machine: Machine) -> None:
    timings = take(machine, sessions(machine, 1.0), pairs=33)
    assert (timings.pairs, timings.fixed, timings.end) == (33, 33, End.MODEST)


def test_the_pairs_that_were_settled_beforehand_are_taken_even_where_fewer_answer(machine: Machine) -> None:
    timings = take(machine, sessions(machine, 0.5), Threshold(1.1, 0.05), pairs=25)
    assert (timings.pairs, timings.fixed, timings.end) == (25, 25, End.SETTLED)


def test_questions_are_looked_at_after_each_of_the_first_pairs_and_rarely_later(machine: Machine) -> None:
    looks: list[int] = []

    def never(log_ratios: Sequence[float]) -> bool:
        looks.append(len(log_ratios))
        return False

    plan = Plan(calls=1, pairs=FEWEST_PAIRS)
    take_pairs(sessions(machine, 1.0), plan, never, seed=0, clock=machine.clock, seconds=1e9)
    assert looks[:55] == list(range(10, 65))
    assert max(after - before for before, after in itertools.pairwise(looks)) <= MOST_PAIRS / 32
    assert looks[-1] == MOST_PAIRS
    assert len(looks) < 250


def test_the_order_within_pairs_is_drawn_and_the_seed_repeats_it() -> None:
    def order(seed: int) -> list[str]:
        machine = Machine()
        take(machine, sessions(machine, 1.0), pairs=40, seed=seed)
        return machine.log[::2]

    assert order(1) == order(1) != order(2)
    assert 8 <= order(1).count("candidate") <= 32


def test_every_pair_has_one_block_of_each_model(machine: Machine) -> None:
    timings = take(machine, sessions(machine, 1.0), pairs=40)
    blocks = machine.log
    assert len(blocks) == 2 * timings.pairs
    assert all({*blocks[place : place + 2]} == {"candidate", "reference"} for place in range(0, len(blocks), 2))


def test_warm_up_takes_ten_calls_or_a_second_but_never_fewer_than_three() -> None:
    assert len(warm_up(Machine().block("fast", 0.001))) == 10
    assert len(warm_up(Machine().block("slow", 0.21))) == 5
    assert len(warm_up(Machine().block("slower", 5.0))) == 3


def test_a_slow_first_call_does_not_count_as_typical() -> None:
    assert typical(np.array([9.0, 1.0, 2.0, 3.0])) == 2.0


@pytest.mark.parametrize(
    ("candidate", "reference", "calls", "pairs"),
    [
        (0.002, 0.002, 10, 40),  # 20 ms a block
        (0.0003, 0.0001, 200, 40),  # the faster model sets the block, 200 calls at most
        (0.00001, 0.00001, 200, 40),
        (0.01, 0.01, 5, 40),  # never fewer than five calls while time allows
        (0.1, 0.1, 5, 16),  # a second a pair; a fifth of the time is kept
        (0.19, 0.2, 2, 20),  # twenty pairs of five calls would take 39 s
        (0.4, 0.6, 1, 16),
        (3.0, 9.0, 1, 10),
    ],
)
def test_blocks_and_pairs_follow_from_how_long_a_call_takes(
    candidate: float, reference: float, calls: int, pairs: int
) -> None:
    assert make_plan(candidate, reference, seconds=20.0, pairs=40) == Plan(calls, pairs)


def test_percentiles_that_need_many_calls_get_them_where_time_allows() -> None:
    plan = make_plan(0.01, 0.01, seconds=20.0, pairs=10, calls=459)
    assert plan.calls * plan.pairs >= 459
    plan = make_plan(0.1, 0.1, seconds=20.0, pairs=10, calls=459)
    assert plan.calls * plan.pairs * 0.2 <= 16.0


@given(st.floats(1e-6, 0.9), st.floats(1e-6, 0.9), st.integers(1, 100), st.integers(0, 2000), st.floats(0.0, 100.0))
def test_the_pairs_keep_the_budget_wherever_ten_single_calls_do(
    candidate: float, reference: float, pairs: int, calls: int, seconds: float
) -> None:
    plan = make_plan(candidate, reference, seconds=seconds, pairs=pairs, calls=calls)
    assert 1 <= plan.calls <= 200
    assert FEWEST_PAIRS <= plan.pairs <= MOST_PAIRS
    took = plan.pairs * plan.calls * (candidate + reference)
    assert took <= seconds * (1 + 1e-9) or plan.pairs == FEWEST_PAIRS
