from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from vetgate_latency.check import LatencyCheck
from vetgate_latency.collect import BUDGET_SECONDS, collect, plan, typical, warm_up
from vetgate_latency.figures import LEVELS, quantiles
from vetgate_latency.metrics import METRICS
from vetgate_latency.plugin import vetgate_checks

from vetgate.api import (
    Ask,
    Execution,
    Measurement,
    Of,
    Pairs,
    Quantiles,
    Question,
    Results,
    Session,
    SessionContext,
    Table,
    Unit,
    Unstated,
)
from vetgate.statistics import median_ratio_bounds, percentile_bounds

ASK = Ask(questions=(Question(metric="latency.p50", of=Of.RATIO),), seed=3)


@dataclass
class Machine:
    """A machine whose speed follows its own clock."""

    slowness: Callable[[float], float] = lambda now: 1.0
    now: float = 0.0
    log: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Clockwork:
    """A session on a virtual clock: every call takes its time, stretched by what the machine does at that moment."""

    name: str
    machine: Machine
    seconds: float
    batch: int = 1
    precision: str = "float32"
    runtime: str = "onnxruntime"
    first: float = 0.0
    """What the first call takes more."""
    jitter: float = 0.0
    """Width of the spread of single calls, as a share."""
    started: bool = False

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(len(self.name))

    @property
    def execution(self) -> Execution:
        return Execution(
            runtime=self.runtime, version="1.2", provider="CPUExecutionProvider", threads=1, precision=self.precision
        )

    def time(self, calls: int) -> NDArray[np.float64]:
        self.machine.log.append((self.name, calls))
        found = np.empty(calls)
        for call in range(calls):
            took = self.seconds * self.machine.slowness(self.machine.now)
            took *= 1 + self.jitter * self.random.random()
            if not self.started:
                took, self.started = took + self.first, True
            self.machine.now += took
            found[call] = took
        return found


def context(candidate: float, reference: float, machine: Machine | None = None, **both: float) -> SessionContext:
    machine = machine or Machine()
    jitter = both.get("jitter", 0.0)
    return SessionContext(
        Clockwork("candidate", machine, candidate, jitter=jitter),
        Clockwork("reference", machine, reference, jitter=jitter),
    )


def measure(sessions: SessionContext, ask: Ask = ASK) -> Results:
    return LatencyCheck().measure(sessions, ask)


def figures(results: Results) -> dict[tuple[str, Of], Measurement]:
    return {(entry.metric.removeprefix("latency."), entry.role): entry for entry in results.measurements}


def test_the_stand_in_is_a_session() -> None:
    session: Session = Clockwork("candidate", Machine(), 0.001)
    assert session.time(3) == pytest.approx([0.001] * 3)


def test_steady_models_give_their_times_and_their_ratio() -> None:
    found = figures(measure(context(0.002, 0.004)))
    assert found["p50", Of.CANDIDATE].value == pytest.approx(0.002)
    assert found["p95", Of.REFERENCE].value == pytest.approx(0.004)
    assert found["p50", Of.DELTA].value == pytest.approx(-0.002)
    assert found["p50", Of.RATIO].value == pytest.approx(0.5)
    assert found["p90", Of.RATIO].value == pytest.approx(0.5)
    assert found["throughput", Of.CANDIDATE].value == pytest.approx(500)
    assert found["throughput", Of.RATIO].value == pytest.approx(2)


def test_the_ratio_hands_on_one_log_ratio_a_pair() -> None:
    found = figures(measure(context(0.002, 0.004)))
    ratio = found["p50", Of.RATIO]
    assert isinstance(ratio.uncertainty, Pairs)
    assert ratio.n == len(ratio.uncertainty.log_ratios) == 40
    assert ratio.uncertainty.log_ratios == pytest.approx([math.log(0.5)] * 40)
    assert ratio.unit is Unit.RATIO
    throughput = found["throughput", Of.RATIO].uncertainty
    assert isinstance(throughput, Pairs)
    assert throughput.log_ratios == pytest.approx([math.log(2)] * 40)


@pytest.mark.parametrize("slowness", [lambda now: 1 + 2 * now, lambda now: 1 + 0.5 * math.sin(40 * now)])
def test_a_drifting_machine_does_not_move_the_ratio(slowness: Callable[[float], float]) -> None:
    ratio = figures(measure(context(0.002, 0.002, Machine(slowness))))["p50", Of.RATIO]
    assert isinstance(ratio.uncertainty, Pairs)
    bounds = median_ratio_bounds(ratio.uncertainty.log_ratios, 0.95)
    assert bounds.lower <= 1.0 <= bounds.upper
    absolute = [entry.value for entry in measure(context(0.002, 0.002, Machine(slowness))).measurements]
    assert max(absolute) > 0.0021


def test_the_order_within_pairs_is_drawn_and_the_seed_repeats_it() -> None:
    def order(seed: int) -> list[str]:
        machine = Machine()
        collect(context(0.002, 0.002, machine), seed)
        return [name for name, calls in machine.log if calls > 1][::2]

    assert order(1) == order(1) != order(2)
    assert 8 <= order(1).count("candidate") <= 32


def test_every_pair_has_one_block_of_each_model() -> None:
    machine = Machine()
    timings = collect(context(0.002, 0.002, machine), 0)
    blocks = [name for name, calls in machine.log if calls > 1]
    assert len(blocks) == 2 * timings.pairs
    assert all({*blocks[place : place + 2]} == {"candidate", "reference"} for place in range(0, len(blocks), 2))


def test_warm_up_takes_ten_calls_or_a_second_but_never_fewer_than_three() -> None:
    assert len(warm_up(Clockwork("fast", Machine(), 0.001))) == 10
    assert len(warm_up(Clockwork("slow", Machine(), 0.21))) == 5
    assert len(warm_up(Clockwork("slower", Machine(), 5.0))) == 3


def test_a_slow_first_call_neither_ends_the_warm_up_nor_counts() -> None:
    assert typical(np.array([9.0, 1.0, 2.0, 3.0])) == 2.0
    machine = Machine()
    slow_start = Clockwork("candidate", machine, 0.002, first=3.0)
    timings = collect(SessionContext(slow_start, Clockwork("reference", machine, 0.002)), 0)
    assert (timings.warm_candidate, timings.warm_reference) == (3, 10)
    assert (timings.pairs, timings.calls) == (40, 10)
    assert timings.candidate.max() < 0.003


@pytest.mark.parametrize(
    ("candidate", "reference", "calls", "pairs"),
    [
        (0.002, 0.002, 10, 40),  # 20 ms a block
        (0.0003, 0.0001, 200, 40),  # the faster model sets the block, 200 calls at most
        (0.00001, 0.00001, 200, 40),
        (0.01, 0.01, 5, 40),  # never fewer than five calls while time allows
        (0.1, 0.1, 5, 20),  # a second a pair
        (0.19, 0.2, 5, 10),
        (0.4, 0.6, 2, 10),  # ten pairs of five calls would take 50 s
        (3.0, 9.0, 1, 10),
    ],
)
def test_blocks_and_pairs_follow_from_how_long_a_call_takes(
    candidate: float, reference: float, calls: int, pairs: int
) -> None:
    assert plan(candidate, reference) == (calls, pairs)


@given(st.floats(1e-6, 0.9), st.floats(1e-6, 0.9))
def test_the_pairs_keep_the_budget_wherever_ten_single_calls_do(candidate: float, reference: float) -> None:
    calls, pairs = plan(candidate, reference)
    assert 1 <= calls <= 200
    assert 10 <= pairs <= 40
    assert pairs * calls * (candidate + reference) <= BUDGET_SECONDS * (1 + 1e-9)


def test_absolute_times_carry_their_bounds_at_every_level() -> None:
    samples = np.random.default_rng(5).exponential(0.01, 400)
    found = quantiles(samples, 0.9)
    at = dict(zip(found.levels, found.values, strict=True))
    for confidence in (0.9, 0.95, 0.975, 0.99):
        bounds = percentile_bounds(samples, 0.9, confidence)
        assert at[round(1 - confidence, 3)] == bounds.lower
        assert at[confidence] == bounds.upper
        assert at[0.5] == bounds.estimate


def test_throughput_bounds_are_those_of_the_median_turned_over() -> None:
    found = figures(measure(context(0.002, 0.004, jitter=0.5)))
    times, rates = found["p50", Of.CANDIDATE].uncertainty, found["throughput", Of.CANDIDATE].uncertainty
    assert isinstance(times, Quantiles)
    assert isinstance(rates, Quantiles)
    assert rates.levels == times.levels == LEVELS
    assert rates.values == tuple(1 / value for value in reversed(times.values))
    assert list(rates.values) == sorted(rates.values)
    assert times.values[0] < times.values[-1]


def test_percentiles_are_refused_where_calls_are_too_few_and_the_report_says_so() -> None:
    results = measure(context(0.15, 0.15))  # 13 pairs of 5 calls: 65, where p95 needs 90
    found = figures(results)
    assert found["p90", Of.CANDIDATE].n == 65
    assert not [key for key in found if key[0] == "p95"]
    (exhibit,) = results.exhibits
    assert "latency.p95 needs 90 calls" in exhibit.caption
    slower = figures(measure(context(2.0, 2.0)))
    assert {name for name, _ in slower} == {"p50", "throughput"}


def test_counts_and_what_differs_are_noted_at_the_ratio() -> None:
    machine = Machine()
    candidate = Clockwork("candidate", machine, 0.002, precision="int8", runtime="litert")
    found = figures(measure(SessionContext(candidate, Clockwork("reference", machine, 0.002))))
    assert found["p50", Of.RATIO].note == (
        "40 pairs of blocks of 10 calls; the runs differ in runtime (litert against onnxruntime), "
        "precision (int8 against float32)"
    )
    assert found["p50", Of.CANDIDATE].note == "400 calls at batch 1; comparable on this machine only"
    alike = figures(measure(context(0.002, 0.002)))
    assert alike["p50", Of.RATIO].note == "40 pairs of blocks of 10 calls"


def test_models_of_different_batches_are_compared_by_images_per_second_alone() -> None:
    machine = Machine()
    candidate = Clockwork("candidate", machine, 0.008, batch=8)
    results = measure(SessionContext(candidate, Clockwork("reference", machine, 0.002, batch=1)))
    found = figures(results)
    assert {role for name, role in found if name != "throughput"} == {Of.CANDIDATE, Of.REFERENCE}
    assert found["throughput", Of.CANDIDATE].value == pytest.approx(1000)
    assert found["throughput", Of.RATIO].value == pytest.approx(2)
    assert [finding.rule for finding in results.findings] == ["latency.batch"]


def test_what_ran_is_shown_in_a_table() -> None:
    (table,) = measure(context(0.002, 0.004)).exhibits
    assert isinstance(table, Table)
    assert table.rows == (
        ("runtime", "onnxruntime 1.2", "onnxruntime 1.2"),
        ("provider", "CPUExecutionProvider", "CPUExecutionProvider"),
        ("threads", "1", "1"),
        ("precision", "float32", "float32"),
        ("batch", "1", "1"),
        ("calls to warm up", "10", "10"),
        ("pairs", "40", "40"),
        ("calls a block", "10", "10"),
    )


def test_every_figure_is_declared_in_its_role_and_bounded_as_declared() -> None:
    specs = {spec.id: spec for spec in METRICS}
    results = measure(context(0.002, 0.004))
    assert {(entry.metric, entry.role) for entry in results.measurements} == {
        (spec.id, role) for spec in METRICS for role in spec.roles
    }
    for entry in results.measurements:
        spec = specs[entry.metric]
        assert (entry.uncertainty != Unstated()) == (entry.role in spec.bounded)
        assert entry.better is spec.better
        assert entry.unit is (Unit.RATIO if entry.role is Of.RATIO else spec.unit)


def test_the_declared_check_is_the_one_that_measures() -> None:
    (spec,) = vetgate_checks()
    assert isinstance(spec.factory(), LatencyCheck)
    assert spec.metrics is METRICS


@given(st.floats(0.2, 5.0), st.integers(0, 10))
def test_a_candidate_slower_by_a_factor_has_that_ratio(factor: float, seed: int) -> None:
    ratio = figures(
        measure(context(0.01 * factor, 0.01), Ask(questions=(Question(metric="latency.p50", of=Of.RATIO),), seed=seed))
    )["p50", Of.RATIO]
    assert ratio.value == pytest.approx(factor)
