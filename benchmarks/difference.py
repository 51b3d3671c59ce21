"""How often `vetgate diff` says better or worse of two models between which nothing changed.

    python benchmarks/difference.py --comparisons 400 --images 1000

Each comparison draws images anew. The reference and two candidates see their scores, each with noise of its own, that
of the candidates alike, so that whatever reads better or worse is an error. Figures are those of the real checks: top-1
accuracy and agreement, paired by image; recall and agreement of each class, not paired; macro F1 and kappa with bounds
by bootstrap. Told is the share of comparisons of which any figure reads worse, or either way, after the correction: the
latter must not pass 1 minus the confidence by more than chance explains. Beside it stand the share without correction,
and how often a candidate with more noise (--loss) is found to be worse.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from vetgate_quality.check import QualityCheck
from vetgate_similarity.check import SimilarityCheck

from vetgate.api import LABEL, Ask, Evidence, Of, Outcome, Predictions, PredictionTable, Question, Slice, TableContext
from vetgate.domain.difference import Difference, Reading
from vetgate.domain.report import DataSummary, Environment, ModelSummary, PolicySummary, Report
from vetgate.domain.verdict import Decision, Verdict
from vetgate.host import find_plugins
from vetgate.measure import Saved, compare_saved

NOISE = 0.5
"""Of the candidates, in units of the classes' own spread; the reference has half of it."""
CONFIDENCE = 0.95
EACH = Slice(by=LABEL)
ASKED = (
    Question(metric="accuracy.top1", of=Of.CANDIDATE, confidence=CONFIDENCE),
    Question(metric="accuracy.f1_macro", of=Of.CANDIDATE, confidence=CONFIDENCE),
    Question(metric="accuracy.recall", of=Of.CANDIDATE, slice=EACH, confidence=CONFIDENCE),
    Question(metric="similarity.agreement", of=Of.PAIR, confidence=CONFIDENCE),
    Question(metric="similarity.agreement", of=Of.PAIR, slice=EACH, confidence=CONFIDENCE),
    Question(metric="similarity.kappa", of=Of.PAIR, confidence=CONFIDENCE),
)
CHECKS = find_plugins().checks()
WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Tally:
    """What became of many comparisons."""

    worse: int
    either: int
    alone: int
    """Comparisons of which some figure would read better or worse if it were the only one looked at."""
    tested: int
    """Figures tested in each."""


def answers(scores: NDArray[np.float64], noise: float, rng: np.random.Generator) -> Predictions:
    """Return a model that sees scores (N, C) with noise of its own."""
    raw = (scores + noise * rng.normal(size=scores.shape)).astype(np.float32)
    probabilities = np.exp(2.0 * raw.astype(np.float64))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return Predictions(raw, probabilities, raw.argmax(axis=1).astype(np.int64))


def report(table: PredictionTable, replicates: int) -> Report:
    """Return a report of what the checks find."""
    ask = Ask(questions=ASKED, replicates=replicates)
    evidence = []
    found_by = {"quality": QualityCheck().measure, "similarity": SimilarityCheck().measure}
    for name, measure in found_by.items():
        found = measure(TableContext(table), ask)
        kept = tuple(found.per_image)
        figures = tuple(found.measurements)
        evidence.append(Evidence(check=name, outcome=Outcome.MEASURED, measurements=figures, per_image=kept))
    model = ModelSummary(name="model", format="made up", sha256="0" * 64, size=1)
    images = len(table)
    return Report(
        candidate=model,
        reference=model,
        data=DataSummary(name="made up", sha256="0" * 64, images=images, available=images, labelled=True, classes=1),
        policy=PolicySummary(name="none", sha256="0" * 64, source="none"),
        verdict=Verdict(decision=Decision.INCONCLUSIVE, because="", rulings=()),
        evidence=tuple(evidence),
        environment=Environment(vetgate="", python="", platform="", processor="", cores=1, memory=1, packages={}),
        seed=0,
        command=(),
        started=WHEN,
        seconds=0.0,
    )


def comparison(args: argparse.Namespace, loss: float, rng: np.random.Generator) -> Difference:
    """Return one comparison of two candidates on images drawn anew; `loss` is what the later one's noise has more."""
    labels = rng.integers(0, args.classes, args.images)
    scores = rng.normal(scale=0.4, size=(args.images, args.classes))
    scores[np.arange(args.images), labels] += 1.6
    ids, names = (
        [str(number) for number in range(args.images)],
        tuple(f"class {number}" for number in range(args.classes)),
    )
    reference = answers(scores, NOISE / 2, rng)
    sides = []
    for name, noise in (("old", NOISE), ("new", NOISE + loss)):
        table = PredictionTable(ids, labels, names, answers(scores, noise, rng), reference)
        sides.append(Saved(name, "0" * 64, (report(table, args.replicates),)))
    return compare_saved(sides[0], sides[1], CHECKS, CONFIDENCE)


def tally(args: argparse.Namespace, loss: float, seed: int) -> Tally:
    """Return what became of all comparisons."""
    rng, worse, either, alone, tested = np.random.default_rng(seed), 0, 0, 0, 0
    for _ in range(args.comparisons):
        found = comparison(args, loss, rng)
        readings = {figure.reading for figure in found.figures()}
        worse += Reading.WORSE in readings
        either += bool(readings & {Reading.WORSE, Reading.BETTER})
        alone += any(figure.p is not None and figure.p <= 1 - CONFIDENCE for figure in found.figures())
        tested = max(tested, found.tested)
    return Tally(worse, either, alone, tested)


def main() -> int:
    """Print the shares; return 1 where false alarms are more than chance explains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=400)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--loss", type=float, default=0.05)
    args = parser.parse_args()
    start = time.perf_counter()
    calm, lost = tally(args, 0.0, 1), tally(args, args.loss, 2)
    count = args.comparisons
    print(
        f"{count:,} comparisons of {args.images:,} images, {args.classes} classes, {calm.tested} figures tested, "
        f"{CONFIDENCE:.0%}; {time.perf_counter() - start:.0f} s, {os.getloadavg()[0]:.1f} processes on "
        f"{os.cpu_count()} cores"
    )
    print(f"  nothing changed: worse in {calm.worse / count:.2%}, better or worse in {calm.either / count:.2%}")
    print(f"  the same without correction: better or worse in {calm.alone / count:.2%}")
    print(f"  noise of {NOISE + args.loss:g} for {NOISE:g}: worse in {lost.worse / count:.2%}")
    most = int(binom.ppf(0.999, count, 1 - CONFIDENCE))
    return int(calm.either > most)


if __name__ == "__main__":
    sys.exit(main())
