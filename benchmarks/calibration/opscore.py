"""Simulate models of known error rate and speed, and count how often OpScore's one-sided bounds miss the true score.

What is driven is `vetgate_opscore.check.OpScoreCheck` on the evidence that quality, footprint and latency would hand
on. Images fall into four cells (both right, either, none); calls have heavy tails (log-normal times, some ten times as
long), and pairs of blocks besides a drift that hits whichever block comes second. An error rate below half an image's
share counts as that share, in the true score as in the measured one.

    python benchmarks/calibration opscore
    python benchmarks/calibration opscore --few-errors   the ratio of error rates alone, where few images are wrong
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, gammaln, ndtr, xlog1py, xlogy
from vetgate_opscore.check import OpScoreCheck
from vetgate_opscore.error_ratio import CORRECTION, log_error_ratio_bounds
from vetgate_opscore.score import opscore

from vetgate.api import (
    Artifact,
    Ask,
    Better,
    Card,
    Counts,
    Evidence,
    EvidenceContext,
    Exact,
    Input,
    Measurement,
    Member,
    Of,
    Outcome,
    Output,
    PairedCounts,
    Pairs,
    Quantiles,
    Structure,
    Subject,
    Unit,
)
from vetgate.statistics import percentile_bounds

ACCURACIES = (0.7, 0.9, 0.97, 0.999)
"""Of the candidate."""
ERROR_RATIOS = (1.0, 0.5)
"""Error rate of the reference over that of the candidate."""
APART = (0.1, 0.6)
"""Share of the better model's errors that the other does not make."""
SIZES = (500, 5_000)
SECONDS = {Of.CANDIDATE: 0.003, Of.REFERENCE: 0.004}
"""True median of one call of one image."""
MEGABYTES = {Of.CANDIDATE: 1.0, Of.REFERENCE: 4.0}
SPREAD, SPIKES = 0.15, 0.03
CALLS, PAIRS = 200, 60
SECOND = 0.05
"""How much slower, as a logarithm, the second block of a pair is."""
DOUBT = 1e-4
"""A cell does not hold where so many misses have a smaller chance than this at the stated level."""

CORRECTIONS = (0.0, 0.25, CORRECTION)
"""Of the score of the ratio of error rates, in images."""
FEW = (0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
"""Wrong images expected of one kind: only the candidate's, only the reference's, both models'."""
MOST_WRONG, OF_IMAGES = 27, 500
"""Wrong images of one kind that are added up, and images in all; more are wrong with a chance of 2e-7 at most."""
TOLERATED = 0.005
"""What the shipped correction may err over the stated chance where few images are wrong."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """One population."""

    images: int
    error: float
    other: float
    """Error rate of the reference."""
    apart: float

    @property
    def chances(self) -> tuple[float, float, float, float]:
        """Return the chances of: only the candidate wrong, only the reference wrong, both wrong, none wrong."""
        common = min(self.error, self.other) * (1.0 - self.apart)
        return self.error - common, self.other - common, common, 1.0 - self.error - self.other + common

    def truth(self, role: Of) -> float:
        """Return the true inference score."""
        if role is Of.DELTA:
            return self.truth(Of.CANDIDATE) - self.truth(Of.REFERENCE)
        error = self.error if role is Of.CANDIDATE else self.other
        return opscore(max(error, 0.5 / self.images), 10_000 * SECONDS[role], MEGABYTES[role])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--runs", type=int, default=2_000, help="simulated runs of each cell")
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--few-errors", action="store_true", help="add up the ratio of error rates alone, exactly")


def run(options: argparse.Namespace) -> bool:
    """Print the coverage of both bounds of the candidate's score and of the difference; return whether all hold."""
    if options.few_errors:
        return few_errors(options.confidence)
    print(f"coverage of one-sided bounds at {100 * options.confidence:g} %, {options.runs:,} runs a cell, in %")
    print(
        f"{'images':>6} {'accuracy':>9} {'reference':>9} {'apart':>6}   candidate low  high     delta low  high       ±"
    )
    rng = np.random.default_rng(options.seed)
    holds, least = True, 1.0
    for cell in cells():
        missed, width = misses(cell, options.runs, options.confidence, rng)
        covered = [1.0 - count / options.runs for count in missed]
        least = min(least, *covered)
        held = all(bdtrc(count - 1, options.runs, 1.0 - options.confidence) >= DOUBT for count in missed if count)
        holds = holds and held
        print(
            f"{cell.images:>6,} {1 - cell.error:>9.4f} {1 - cell.other:>9.4f} {cell.apart:>6.1f}"
            f"{100 * covered[0]:>18.1f} {100 * covered[1]:5.1f} {100 * covered[2]:>13.1f} {100 * covered[3]:5.1f}"
            f"{width:>12.3f}{'' if held else '  TOO FEW'}",
            flush=True,
        )
    print(f"least coverage {100 * least:.2f} %\n")
    return holds


def few_errors(confidence: float) -> bool:
    """Print how often a bound of the ratio of error rates errs, by correction; return whether the shipped one holds.

    Every outcome is added up, none simulated. The bounds mirror, so that the upper one tells of both.
    """
    print(
        f"upper bound of the ratio of error rates at {100 * confidence:g} %, {OF_IMAGES} images, few of them wrong: "
        f"chance to err, in %, over {len(FEW) ** 3} populations"
    )
    outcomes = np.indices((MOST_WRONG + 1,) * 3).reshape(3, -1)
    populations = np.asarray(list(itertools.product(FEW, repeat=3))) / OF_IMAGES
    worst = 0.0
    for correction in CORRECTIONS:
        upper = np.asarray(
            [
                log_error_ratio_bounds(lost, won, both, OF_IMAGES, confidence, correction).upper
                for lost, won, both in outcomes.T.tolist()
            ]
        )
        chances = np.asarray([_chance_to_err(population, outcomes, upper) for population in populations])
        at = OF_IMAGES * populations[int(np.argmax(chances))]
        print(
            f"  correction {correction:4.2f}: at most {100 * chances.max():5.2f}, half of the populations over "
            f"{100 * np.median(chances):.2f}; the most where the candidate alone is expected to have {at[0]:g} wrong, "
            f"the reference alone {at[1]:g}, both {at[2]:g}"
        )
        worst = float(chances.max()) if correction == CORRECTION else worst
    return worst <= 1.0 - confidence + TOLERATED


def _chance_to_err(population: Vector, outcomes: NDArray[np.int64], upper: Vector) -> float:
    """Return the chance that the upper bound lies below the true ratio, by adding up multinomial outcomes."""
    least = 0.5 / OF_IMAGES
    lost, won, both = population.tolist()
    truth = math.log10(max(lost + both, least) / max(won + both, least))
    missed = outcomes[:, upper < truth]
    rest = OF_IMAGES - missed.sum(axis=0)
    logs = gammaln(OF_IMAGES + 1) - gammaln(missed + 1).sum(axis=0) - gammaln(rest + 1)
    logs = logs + xlogy(missed, population[:, None]).sum(axis=0) + xlog1py(rest, -population.sum())
    return float(np.exp(logs).sum())


def cells() -> Iterator[Cell]:
    """Yield the populations."""
    for images, accuracy, ratio, apart in itertools.product(SIZES, ACCURACIES, ERROR_RATIOS, APART):
        yield Cell(images, 1.0 - accuracy, (1.0 - accuracy) * ratio, apart)


def misses(cell: Cell, runs: int, confidence: float, rng: np.random.Generator) -> tuple[list[int], float]:
    """Return how often the bounds missed (candidate's lower and upper, the difference's), and its mean half-width."""
    counted, width = [0, 0, 0, 0], 0.0
    truths = [cell.truth(role) for role in (Of.CANDIDATE, Of.DELTA)]
    drawn = rng.multinomial(cell.images, cell.chances, size=runs)
    for lost, won, both, _ in drawn.tolist():
        context = EvidenceContext(
            SUBJECT, SUBJECT, (_quality(cell, lost, won, both), FOOTPRINT, _latency(confidence, rng))
        )
        found = {entry.role: entry.uncertainty for entry in OpScoreCheck().measure(context, ASK).measurements}
        for place, role in enumerate((Of.CANDIDATE, Of.DELTA)):
            lower, upper = _bounds(found[role], confidence)
            counted[2 * place] += lower > truths[place]
            counted[2 * place + 1] += upper < truths[place]
        width += (upper - lower) / 2 / runs
    return counted, width


def _bounds(uncertainty: object, confidence: float) -> tuple[float, float]:
    if not isinstance(uncertainty, Quantiles):
        raise TypeError(f"the score has no interval: {uncertainty}")
    at = {round(level, 9): value for level, value in zip(uncertainty.levels, uncertainty.values, strict=True)}
    return at[round(1.0 - confidence, 9)], at[round(confidence, 9)]


def calls(median: float, shape: tuple[int, ...], rng: np.random.Generator) -> Vector:
    """Return times of calls, in seconds, whose true median is the given one."""
    logs = rng.normal(0.0, SPREAD, size=shape) + np.where(rng.random(shape) < SPIKES, math.log(10.0), 0.0)
    return np.asarray(median * np.exp(logs - CENTRE), dtype=np.float64)


def _centre() -> float:
    """Return the logarithm of the median of spiked noise."""
    grid = np.linspace(-0.2, 0.2, 40_001)
    chance = (1 - SPIKES) * ndtr(grid / SPREAD) + SPIKES * ndtr((grid - math.log(10.0)) / SPREAD)
    return float(grid[np.searchsorted(chance, 0.5)])


CENTRE = _centre()


def _quality(cell: Cell, lost: int, won: int, both: int) -> Evidence:
    n = cell.images
    right = {Of.CANDIDATE: n - lost - both, Of.REFERENCE: n - won - both}
    figures = [_figure("accuracy.top1", role, k / n, Unit.FRACTION, Counts(k=k, n=n), n) for role, k in right.items()]
    paired = PairedCounts(b=lost, c=won, n=n)
    return _evidence(
        "quality", *figures, _figure("accuracy.top1", Of.DELTA, (won - lost) / n, Unit.FRACTION, paired, n)
    )


def _latency(confidence: float, rng: np.random.Generator) -> Evidence:
    figures = []
    for role, median in SECONDS.items():
        bounds = percentile_bounds(calls(median, (CALLS,), rng), 0.5, confidence)
        levels = (1.0 - confidence, 0.5, confidence)
        rates = Quantiles(levels=levels, values=(1 / bounds.upper, 1 / bounds.estimate, 1 / bounds.lower))
        figures.append(_figure("latency.throughput", role, 1 / bounds.estimate, Unit.PER_SECOND, rates, CALLS))
    medians = [np.median(calls(median, (PAIRS, 5), rng), axis=1) for median in SECONDS.values()]
    first = np.where(rng.random(PAIRS) < 0.5, SECOND, -SECOND)
    log_ratios = np.log(medians[1] / medians[0]) + first
    ratio = math.exp(float(np.median(log_ratios)))
    pairs = Pairs(log_ratios=tuple(log_ratios.tolist()))
    return _evidence("latency", *figures, _figure("latency.throughput", Of.RATIO, ratio, Unit.RATIO, pairs, PAIRS))


def _figure(
    metric: str,
    role: Of,
    value: float,
    unit: Unit,
    uncertainty: Counts | PairedCounts | Quantiles | Pairs | Exact,
    n: int,
) -> Measurement:
    return Measurement(
        metric=metric, role=role, value=value, unit=unit, better=Better.NEITHER, n=n, uncertainty=uncertainty
    )


def _evidence(check: str, *figures: Measurement) -> Evidence:
    return Evidence(check=check, outcome=Outcome.MEASURED, measurements=figures)


FOOTPRINT = _evidence(
    "footprint",
    *(_figure("footprint.size_mb", role, size, Unit.MEGABYTES, Exact(), 1) for role, size in MEGABYTES.items()),
)
ASK = Ask(glance=True)
SUBJECT = Subject(
    Artifact(path="m", name="m", format="m", backend="m", members=(Member(name="m", sha256="0" * 64, size=1),)),
    Card(
        version=1,
        input=Input(size=(1, 1), resize="none", colour="grey", scale=1.0, mean=(0.0,), std=(1.0,), layout="NCHW"),
        output=Output(kind="logits"),
    ),
    Structure(inputs=(), outputs=(), tensors=(), operators=()),
    {},
)
