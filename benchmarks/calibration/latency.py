"""Simulate the collector's own stopping loop on a virtual machine: how often it errs, how often and when it settles.

The machine drifts (a random walk, a wave, sudden slow phases) and its calls have heavy tails (log-normal times, some of
them ten times as long). What is driven is `vetgate_latency.collect.take_pairs` with the thresholds and the plan that a
rule makes; only the clock and the models are virtual.

    python benchmarks/calibration/latency.py
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr
from vetgate_latency.collect import End, make_plan, take_pairs, typical, warm_up
from vetgate_latency.questions import BOUNDED_CALLS, CONFIDENCES, Threshold, all_settled, calls_needed
from vetgate_latency.tails import resample

from vetgate.statistics import sign_capitals

STEP = 1e-3
"""Seconds of virtual time in which the machine keeps one speed."""
SPIKES = 0.02
"""Share of calls that take ten times as long."""
SPREAD = 0.10
"""Standard deviation of the logarithm of single calls."""
CALL = 0.004
"""Seconds of a typical call of the reference."""
DOUBT = 0.001
"""Chance that a count over the allowance comes from a method that errs exactly as often as it may."""


class Machine:
    """Slowness over virtual time: a random walk, a wave and sudden slow phases, multiplied.

    Args:
        random: Where chance comes from.
        seconds: For which it is known.
    """

    def __init__(self, random: np.random.Generator, seconds: float) -> None:
        self.random, self.now = random, 0.0
        steps = int(seconds / STEP) + 1
        walk = np.cumsum(random.normal(0.0, 0.3 * math.sqrt(STEP), steps))
        time = np.arange(steps) * STEP
        wave = 0.3 * np.sin(2 * np.pi * (time / random.uniform(0.05, 5.0) + random.random()))
        slow = np.zeros(steps)
        for _ in range(random.poisson(seconds / 2.0)):
            start = random.integers(steps)
            slow[start : start + int(random.exponential(0.3) / STEP) + 1] = math.log(random.uniform(1.5, 3.0))
        self._slowness = np.exp(walk + wave + slow)

    def clock(self) -> float:
        """Return the seconds since the start."""
        return self.now

    def time(self, calls: int, *, seconds: float) -> NDArray[np.float64]:
        """Return the seconds (calls,) of calls that take so long each on a machine at rest."""
        noise = np.exp(self.random.normal(0.0, SPREAD, calls)) * np.where(self.random.random(calls) < SPIKES, 10.0, 1.0)
        found = np.empty(calls)
        last = len(self._slowness) - 1
        for call, took in enumerate((seconds * noise).tolist()):
            found[call] = took * self._slowness[min(int(self.now / STEP), last)]
            self.now += found[call]
        return found


@dataclass(frozen=True)
class Outcome:
    """How one run of the collector ended."""

    above: bool
    """Whether it settled that the ratio is above the threshold."""
    below: bool
    pairs: int
    seconds: float


def simulate(ratio: float, threshold: Threshold, *, budget: float, seed: int) -> Outcome:
    """Return how one run ends for a candidate that takes `ratio` times as long as the reference."""
    machine = Machine(np.random.default_rng((seed, 1)), budget * 1.5)
    blocks = partial(machine.time, seconds=CALL * ratio), partial(machine.time, seconds=CALL)
    warm = [typical(warm_up(block)) for block in blocks]
    plan = make_plan(warm[0], warm[1], seconds=budget, pairs=10)
    timings = take_pairs(
        blocks, plan, partial(all_settled, (threshold,)), seed=seed, clock=machine.clock, seconds=budget
    )
    capitals = sign_capitals(timings.log_ratios, threshold.ratio)
    enough = 1.0 / threshold.error
    outcome = Outcome(capitals.up >= enough, capitals.down >= enough, timings.pairs, timings.seconds)
    assert (timings.end is End.SETTLED) == (outcome.above or outcome.below)
    return outcome


def allowed(runs: int, error: float) -> int:
    """Return the most errors in so many runs that chance explains where each errs with this probability at most."""
    count = int(runs * error)
    while 1.0 - bdtr(count, runs, error) > DOUBT:
        count += 1
    return count


def equal_models(options: argparse.Namespace) -> bool:
    """Print how often two identical models are told apart at a threshold of 1; return whether that is seldom enough."""
    print(f"\nIdentical models, threshold 1.00, budget {options.budget:g} s, {options.runs} runs: wrong decisions")
    held = True
    for confidence in (0.95, 0.99):
        error = 1.0 - confidence
        found = [
            simulate(1.0, Threshold(1.0, error), budget=options.budget, seed=options.seed + run)
            for run in range(options.runs)
        ]
        slower, faster = sum(run.above for run in found), sum(run.below for run in found)
        most = allowed(options.runs, error)
        holds = max(slower, faster) <= most
        held &= holds
        print(
            f"  {confidence:.0%}: slower {slower} ({slower / options.runs:.2%}), faster {faster} "
            f"({faster / options.runs:.2%}); a = {error:.0%} a side is {options.runs * error:.0f}, up to {most} by "
            f"chance: {'holds' if holds else 'DOES NOT HOLD'}; {np.mean([run.pairs for run in found]):.0f} pairs a run"
        )
    return held


CELLS = ((1.02, 1.0), (1.10, 1.0), (1.0, 1.10), (1.05, 1.10), (1.10, 1.10), (1.20, 1.10))
"""(true ratio, threshold of an at_most rule)"""


def powers(options: argparse.Namespace) -> bool:
    """Print how often and after how many pairs a rule is settled; return whether none errs too often."""
    runs = max(1, options.runs // 4)
    print(f"\nRules at 95 %, budget {options.budget:g} s, {runs} runs a row")
    print("  true ratio  at most    passes     fails   undecided   pairs: median   90 %   seconds: median")
    held = True
    for ratio, limit in CELLS:
        threshold = Threshold(limit, 0.05)
        found = [simulate(ratio, threshold, budget=options.budget, seed=options.seed + run) for run in range(runs)]
        fails, passes = sum(run.above for run in found), sum(run.below for run in found)
        open_ = sum(not (run.above or run.below) for run in found)
        pairs = [run.pairs for run in found]
        print(
            f"  {ratio:10.2f} {limit:8.2f} {passes / runs:9.1%} {fails / runs:9.1%} {open_ / runs:11.1%} "
            f"{np.median(pairs):15.0f} {np.quantile(pairs, 0.9):6.0f} {np.median([run.seconds for run in found]):17.1f}"
        )
        most = allowed(runs, 0.05)
        held &= (ratio > limit or fails <= most) and (ratio < limit or passes <= most)
    return held


DESIGNS = ((0.9, 10, 0), (0.95, 40, 0), (0.95, 10, BOUNDED_CALLS), (0.99, 10, BOUNDED_CALLS))
"""(percentile, pairs and calls settled beforehand): as few as a report gives bounds of, and as many as a rule gets."""


def tails(options: argparse.Namespace) -> bool:
    """Print how often the bounds of the ratio of two tails miss a true ratio of 1; return whether seldom enough."""
    runs = max(1, options.runs // 4)
    print(f"\nRatio of percentiles, identical models, one-sided bounds at 95 %, {runs} runs a row")
    print("  percentile   pairs   calls   refused   lower misses   upper misses   median width")
    held = True
    for p, pairs, calls in DESIGNS:
        seeds = range(options.seed, options.seed + runs)
        drawn = [found for seed in seeds if (found := _tail(options, seed, p, pairs, calls)) is not None]
        if not drawn:
            print(f"  p{p * 100:<9.0f} refused in every run")
            continue
        sizes = np.median([row[2:] for row in drawn], axis=0)
        bounds = np.asarray([(lower, upper) for lower, upper, _, _ in drawn])
        missed = int(np.sum(bounds[:, 0] > 1.0)), int(np.sum(bounds[:, 1] < 1.0))
        most = allowed(len(drawn), 0.05)
        held &= max(missed) <= most
        print(
            f"  p{p * 100:<9.0f} {sizes[0]:7.0f} {sizes[1]:7.0f} {runs - len(drawn):9d} "
            f"{missed[0]:8d} {missed[0] / len(drawn):5.1%} {missed[1]:8d} {missed[1] / len(drawn):5.1%} "
            f"{np.median(bounds[:, 1] - bounds[:, 0]):14.2f}   up to {most} by chance: "
            f"{'holds' if max(missed) <= most else 'DOES NOT HOLD'}"
        )
    return held


def _tail(
    options: argparse.Namespace, seed: int, p: float, pairs: int, calls: int
) -> tuple[float, float, int, int] | None:
    """Return both bounds of the ratio of one run, its pairs, and its calls of each model; None where too few."""
    machine = Machine(np.random.default_rng((seed, 2)), options.budget * 1.5)
    block = partial(machine.time, seconds=CALL)
    warm = typical(warm_up(block))
    plan = make_plan(warm, warm, seconds=options.budget, pairs=pairs, calls=calls)
    timings = take_pairs((block, block), plan, None, seed=seed, clock=machine.clock, seconds=options.budget)
    if timings.candidate.size < calls_needed(p, CONFIDENCES):
        return None
    compared = resample(timings.candidate, timings.reference, (p,), seed).ratio(p, CONFIDENCES)
    at = dict(zip(compared.levels, compared.values, strict=True))
    return at[0.05], at[0.95], timings.pairs, timings.candidate.size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what may be chosen."""
    parser.add_argument("--runs", type=int, default=2000, help="of identical models a level; rows take a quarter")
    parser.add_argument("--budget", type=float, default=20.0, help="virtual seconds of one run")
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> bool:
    """Print every table; return whether errors are as rare as stated."""
    return all([equal_models(options), powers(options), tails(options)])


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(arguments)
    raise SystemExit(0 if run(arguments.parse_args()) else 1)
