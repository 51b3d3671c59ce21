"""Add up the exact chances of every outcome of a fixed number of images that the gate decides wrongly.

For `at_least -margin` a false pass is a pass, and a false fail a fail, of a candidate that loses exactly the margin;
power is the chance that an equal candidate passes. For `at_least t` on a single proportion both are those of a
candidate whose proportion is exactly t. Every verdict is `vetgate.policy.compare.decide`'s. Outcomes that no population
of the table makes likely (1e-11 each) are not decided but counted as wrong both ways.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlog1py, xlogy

from vetgate.domain.evidence import Counts, Measurement, Of, PairedCounts
from vetgate.domain.policy import Rule
from vetgate.domain.unit import Better, Unit
from vetgate.domain.verdict import Decision
from vetgate.policy.compare import decide
from vetgate.statistics import images_needed

SIZES = (100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 4_000, 5_000)
DISCORDANCES = (0.01, 0.0105, 0.0125, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2)
PROPORTIONS = (0.1, 0.23, 0.5, 0.75, 0.9, 0.95, 0.99)
SLACK = 0.002
UNLIKELY = 1e-11

Chances = NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """Chances in [0, 1] of one size in one population."""

    false_pass: float
    false_fail: float
    power: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--margin", type=float, default=0.01, help="as a fraction (default: 0.01, one point)")
    parser.add_argument("--confidence", type=float, nargs="+", default=[0.95])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of images")


def run(options: argparse.Namespace) -> bool:
    """Print the tables and return whether every false verdict is at most a + 0.2 points likely."""
    holds = True
    for confidence in options.confidence:
        for table in (paired_table, proportion_table):
            worst = table(options.margin, confidence, options.sizes)
            print(f"worst false pass {100 * worst[0]:.3f} %, worst false fail {100 * worst[1]:.3f} %\n", flush=True)
            holds = holds and max(worst) <= 1.0 - confidence + SLACK
    return holds


def paired_table(margin: float, confidence: float, sizes: list[int]) -> tuple[float, float]:
    """Print the table of `at_least -margin` and return the worst chances of a false pass and a false fail."""
    # Discordances scale with the margin: below it no candidate can lose that much.
    shares = [share * margin / DISCORDANCES[0] for share in DISCORDANCES if share * margin / DISCORDANCES[0] < 1.0]
    print(f"accuracy.top1 delta at_least -{100 * margin:g}pp at {100 * confidence:g} %, by images and discordance")
    print_header([f"{100 * share:g} %" for share in shares])
    worst = (0.0, 0.0)
    for n in sizes:
        cells = list(paired_cells(n, shares, margin, confidence))
        worst = print_row(n, cells, worst)
    planned = [images_needed(share, margin, confidence) for share in shares]
    print("images for 80 % power by the plan: " + ", ".join(f"{n:,}" for n in planned))
    return worst


def proportion_table(margin: float, confidence: float, sizes: list[int]) -> tuple[float, float]:
    """Print the table of `at_least t` and return the worst chances; power is that of t + 5 margins, if below 1."""
    print(f"accuracy.top1 at_least t at {100 * confidence:g} %, by images and t; power at t + {500 * margin:g} points")
    print_header([f"{100 * t:g} %" for t in PROPORTIONS])
    worst = (0.0, 0.0)
    for n in sizes:
        worst = print_row(n, [proportion_cell(n, t, t + 5 * margin, confidence) for t in PROPORTIONS], worst)
    return worst


def print_header(columns: list[str]) -> None:
    """Print the column heads."""
    print("false pass / false fail / power, in %")
    print("images " + "".join(f"{column:>19}" for column in columns))


def print_row(n: int, cells: list[Cell], worst: tuple[float, float]) -> tuple[float, float]:
    """Print a row and return the worst chances so far."""
    texts = (f"{100 * c.false_pass:>7.2f} {100 * c.false_fail:5.2f} {100 * c.power:5.1f}" for c in cells)
    print(f"{n:<7,}" + "".join(texts), flush=True)
    return max(worst[0], *(c.false_pass for c in cells)), max(worst[1], *(c.false_fail for c in cells))


def paired_cells(n: int, shares: list[float], margin: float, confidence: float) -> Iterator[Cell]:
    """Yield a cell for every discordance."""
    most = n * (max(shares) + margin) / 2.0
    size = int(min(n, most + 8.0 * np.sqrt(most) + 10.0)) + 1
    chances = {(p, d): paired_chances(n, p, d, size) for p in shares for d in (-margin, 0.0)}
    likely = np.zeros((size, size), dtype=np.bool_)
    for chance in chances.values():
        likely |= chance > UNLIKELY
    rule = rule_on(Of.DELTA, -margin, confidence)
    passes, fails = np.zeros_like(likely), np.zeros_like(likely)
    for b in range(size):
        wanted = np.flatnonzero(likely[b])
        for first, last in unbroken(b, wanted):
            marks = verdicts_between(lambda c, b=b: decided(paired(b, c, n), rule), first, last)  # type: ignore[misc]
            passes[b, first : last + 1], fails[b, first : last + 1] = marks > 0, marks < 0
    for share in shares:
        edge, equal = chances[share, -margin], chances[share, 0.0]
        left_out = max(0.0, 1.0 - float(edge[likely].sum()))
        yield Cell(
            float(edge[passes].sum()) + left_out, float(edge[fails].sum()) + left_out, float(equal[passes].sum())
        )


def proportion_cell(n: int, threshold: float, better: float, confidence: float) -> Cell:
    """Return the cell of a threshold."""
    rule = rule_on(Of.CANDIDATE, threshold, confidence)
    marks = verdicts_between(lambda k: decided(single(k, n), rule), 0, n)
    edge = binomial(n, threshold)
    power = float(binomial(n, better)[marks > 0].sum()) if better < 1.0 else float(marks[n] > 0)
    return Cell(float(edge[marks > 0].sum()), float(edge[marks < 0].sum()), power)


def verdicts_between(verdict: Callable[[int], int], first: int, last: int) -> NDArray[np.int8]:
    """Return the verdicts on first to last, shape (last - first + 1,), where they can only rise.

    One test alone only rises; where the gate changes from one test to another, the caller starts afresh.
    """
    marks = np.full(last - first + 1, -1, dtype=np.int8)
    for level in (0, 1):
        low, high = first - 1, last + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if verdict(middle) >= level else (middle, high)
        marks[high - first :] = level
    return marks


def unbroken(b: int, wanted: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the first and last count of each run of wanted gains in which the gate uses one test."""
    from vetgate.statistics.paired import FEW_DISCORDANT, FEW_ON_ONE_SIDE, MANY_DISCORDANT

    ends = (FEW_DISCORDANT - b, FEW_ON_ONE_SIDE, MANY_DISCORDANT - b)
    breaks = np.flatnonzero((np.diff(wanted) > 1) | np.isin(wanted[1:], ends)) + 1
    for run_of in np.split(wanted, breaks):
        if run_of.size:
            yield int(run_of[0]), int(run_of[-1])


def decided(measurement: Measurement, rule: Rule) -> int:
    """Return 1 for a pass of the gate, -1 for a fail, 0 for neither."""
    decision, _ = decide(measurement, rule)
    return {Decision.PASS: 1, Decision.FAIL: -1}.get(decision, 0)


def rule_on(of: Of, at_least: float, confidence: float) -> Rule:
    """Return `accuracy.top1 at_least t`."""
    return Rule(
        name="held",
        metric="accuracy.top1",
        of=of,
        unit=Unit.FRACTION,
        at_least=at_least,
        confidence=confidence,
        words="held",
    )


def paired(b: int, c: int, n: int) -> Measurement:
    """Return a difference of accuracy."""
    return Measurement(
        metric="accuracy.top1",
        role=Of.DELTA,
        value=(c - b) / n,
        unit=Unit.FRACTION,
        better=Better.HIGHER,
        n=n,
        uncertainty=PairedCounts(b=b, c=c, n=n),
    )


def single(k: int, n: int) -> Measurement:
    """Return an accuracy."""
    return Measurement(
        metric="accuracy.top1",
        role=Of.CANDIDATE,
        value=k / n,
        unit=Unit.FRACTION,
        better=Better.HIGHER,
        n=n,
        uncertainty=Counts(k=k, n=n),
    )


def paired_chances(n: int, discordance: float, difference: float, size: int) -> Chances:
    """Return the chances of (b, c), shape (size, size)."""
    counts = np.arange(size, dtype=np.float64)
    b, c = counts[:, None], counts[None, :]
    rest = np.maximum(n - b - c, 0.0)
    log = gammaln(n + 1.0) - gammaln(b + 1.0) - gammaln(c + 1.0) - gammaln(rest + 1.0)
    log += xlogy(b, (discordance - difference) / 2.0) + xlogy(c, max(discordance + difference, 0.0) / 2.0)
    return np.where(b + c <= n, np.exp(log + xlog1py(rest, -discordance)), 0.0)


def binomial(n: int, p: float) -> Chances:
    """Return the chances of k, shape (n + 1,)."""
    k = np.arange(n + 1.0)
    log = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return np.asarray(np.exp(log + xlogy(k, p) + xlog1py(n - k, -p)))
