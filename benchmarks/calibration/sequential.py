"""Simulate runs that stop early, at the looks that the gate takes, and count how many decide wrongly.

`accuracy.top1 delta at_least -margin`: a false pass is a pass, and a false fail a fail, of a candidate that loses
exactly the margin. Power and images are those of an equal candidate, then of one that is 10 points worse, whose
discordance is 10 points more. Images count whole looks, as the gate reads them.

The capitals are `vetgate.statistics.log_capitals`, of which the gate takes running maxima; a sample of the runs is
decided again by `vetgate.policy.compare.decide`, which must agree.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vetgate.domain.evidence import Looks, Measurement, Of
from vetgate.domain.policy import Rule
from vetgate.domain.unit import Better, Unit
from vetgate.domain.verdict import Decision
from vetgate.gate.sequence import look_sizes
from vetgate.policy.compare import decide
from vetgate.statistics import images_expected, log_capitals

DISCORDANCES = (0.01, 0.0125, 0.015, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2)
TOTALS = (1_000, 10_000)
FAR = 0.1
SLACK = 0.002
COMPARED = 100
SCALE = 100


@dataclass(frozen=True)
class Runs:
    """Simulated runs of one cell: the first look at which each passes or fails, or neither.

    Attributes:
        sizes: (L,) images at each look.
        decided: (R,) index of the look that decided, L where none did.
        passed: (R,) whether it decided for a pass.
    """

    sizes: NDArray[np.int64]
    decided: NDArray[np.int64]
    passed: NDArray[np.bool_]

    def passes(self) -> float:
        """Return the share of runs that pass."""
        return float(np.mean(self.passed))

    def fails(self) -> float:
        """Return the share of runs that fail."""
        return float(np.mean((self.decided < self.sizes.size) & ~self.passed))

    def images(self) -> float:
        """Return the mean number of images used."""
        return float(np.mean(self.sizes[np.minimum(self.decided, self.sizes.size - 1)]))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--margin", type=float, default=0.01, help="as a fraction (default: 0.01, one point)")
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--runs", type=int, default=20_000, help="a cell (default: 20,000)")
    parser.add_argument("--totals", type=int, nargs="+", default=TOTALS, help="images of the data set")
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> bool:
    """Print a table for every total and return whether all false verdicts are at most a + 0.2 points frequent."""
    worst = 0.0
    for total in options.totals:
        print(
            f"accuracy.top1 delta at_least -{SCALE * options.margin:g}pp at {SCALE * options.confidence:g} %, "
            f"{total:,} images, {len(look_sizes(total))} looks, {options.runs:,} runs a cell"
        )
        print(f"{'discordance':<12}{'false pass':>11}{'false fail':>11}", end="")
        print(f"{'power':>9}{'images':>9}{'planned':>9}{'10 worse':>11}{'images':>9}")
        for number, discordance in enumerate((0.0, *DISCORDANCES)):
            rng = np.random.default_rng([options.seed, total, number])
            worst = max(worst, row(rng, total, discordance, options))
        print(flush=True)
    print(f"worst of all {SCALE * worst:.2f} %")
    return bool(worst <= 1.0 - options.confidence + SLACK)


def row(rng: np.random.Generator, total: int, discordance: float, options: argparse.Namespace) -> float:
    """Print a row and return the larger share of false verdicts."""
    margin, confidence = options.margin, options.confidence
    wrong, text = 0.0, f"{'-':>11}{'-':>11}"
    if discordance >= margin:
        edge = simulated(rng, total, (discordance, -margin), options)
        wrong = max(edge.passes(), edge.fails())
        text = f"{SCALE * edge.passes():>9.2f} %{SCALE * edge.fails():>9.2f} %"
    equal = simulated(rng, total, (discordance, 0.0), options)
    planned = min(images_expected(discordance, margin, confidence), total)
    text += f"{SCALE * equal.passes():>7.1f} %{equal.images():>9,.0f}{planned:>9,}"
    far = simulated(rng, total, (discordance + FAR, -FAR), options)
    text += f"{SCALE * far.fails():>9.1f} %{far.images():>9,.0f}"
    print(f"{SCALE * discordance:<10g} %{text}", flush=True)
    return wrong


def simulated(
    rng: np.random.Generator, total: int, population: tuple[float, float], options: argparse.Namespace
) -> Runs:
    """Return runs in a population of some discordance and difference."""
    discordance, difference = population
    sizes = np.asarray(look_sizes(total))
    shares = [(discordance - difference) / 2.0, (discordance + difference) / 2.0, 1.0 - discordance]
    steps = [rng.multinomial(step, shares, size=options.runs) for step in np.diff(sizes, prepend=0)]
    counts = np.cumsum(np.stack(steps, axis=1), axis=1)
    down, up = counts[..., 0], counts[..., 1]
    enough = -np.log1p(-options.confidence)
    passes, fails = (logs >= enough for logs in log_capitals(up, sizes, -options.margin, down))
    first_pass, first_fail = first(passes), first(fails)
    found = Runs(sizes, np.minimum(first_pass, first_fail), first_pass < first_fail)
    for index in range(min(COMPARED, options.runs)):
        agree(found, index, down[index], up[index], options)
    return found


def first(reached: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first look that reached it, shape (R,); L where none did."""
    return np.asarray(np.where(reached.any(axis=1), reached.argmax(axis=1), reached.shape[1]))


def agree(found: Runs, index: int, down: NDArray[np.int64], up: NDArray[np.int64], options: argparse.Namespace) -> None:
    """Refuse a run that the gate's judge decides otherwise.

    Raises:
        RuntimeError: It does.
    """
    last = int(min(found.decided[index], found.sizes.size - 1))
    expected = Decision.INCONCLUSIVE
    if found.decided[index] < found.sizes.size:
        expected = Decision.PASS if found.passed[index] else Decision.FAIL
    decision, _ = decide(measured(found.sizes[: last + 1], down[: last + 1], up[: last + 1]), rule_of(options))
    if decision is not expected:
        raise RuntimeError(f"the judge says {decision} of a run that the capitals decide as {expected}")


def measured(sizes: NDArray[np.int64], down: NDArray[np.int64], up: NDArray[np.int64]) -> Measurement:
    """Return what the gate would hold after these looks."""
    looks = Looks(down=tuple(down.tolist()), up=tuple(up.tolist()), n=tuple(sizes.tolist()))
    return Measurement(
        metric="accuracy.top1",
        role=Of.DELTA,
        value=float((up[-1] - down[-1]) / sizes[-1]),
        unit=Unit.FRACTION,
        better=Better.HIGHER,
        n=int(sizes[-1]),
        uncertainty=looks,
    )


def rule_of(options: argparse.Namespace) -> Rule:
    """Return the rule of the options."""
    return Rule(
        name="held",
        metric="accuracy.top1",
        of=Of.DELTA,
        unit=Unit.FRACTION,
        at_least=-options.margin,
        confidence=options.confidence,
        words="held",
    )
