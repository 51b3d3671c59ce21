"""Time every similarity figure with its bounds, overall and by class, of many candidates beside one reference.

The models are made up, from a copy that hardly differs to one as far as an independent model, so that no model has to
run. What is timed is the check itself, one call for each candidate as in a run. Without --asked no rule asks for a
confidence, and bounds rest on fewer replicates; with it every figure is asked for at 95 %, by class too.

    python benchmarks/similarity.py --candidates 50 --images 10000 --classes 100
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import Counter

import numpy as np
from numpy.typing import NDArray
from vetgate_similarity.check import SimilarityCheck
from vetgate_similarity.metrics import METRICS
from vetgate_similarity.parts import UNASKED

from vetgate.api import (
    LABEL,
    Ask,
    Distance,
    Measurement,
    Of,
    Peer,
    Predictions,
    PredictionTable,
    Quantiles,
    Question,
    Slice,
    TableContext,
    Yardstick,
    YardstickSummary,
)

SECONDS = 20.0
INDEPENDENTS = 3
FARTHEST = 1.5
"""Noise of the candidate that differs most, in units of the classes' own noise; that of an independent is 1."""


def model(scores: NDArray[np.float32], noise: float, rng: np.random.Generator) -> Predictions:
    """Return a model that sees scores (N, C) with so much noise of its own."""
    raw = scores + noise * rng.normal(size=scores.shape).astype(np.float32)
    probabilities = np.exp(1.5 * raw.astype(np.float64))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return Predictions(raw, probabilities, raw.argmax(axis=1).astype(np.int64))


def yardstick(scores: NDArray[np.float32], rng: np.random.Generator) -> Yardstick:
    """Return independent models of the same images."""
    digest = "0" * 64
    peers = tuple(
        Peer(name=f"u{index}", sha256=digest, card_sha256=digest, run=f"u{index}", step=1, final=True)
        for index in range(INDEPENDENTS)
    )
    summary = YardstickSummary(
        name="made up", sha256=digest, distance=Distance.JS_DIVERGENCE, peers=peers, images=len(scores)
    )
    return Yardstick(summary, peers, tuple(model(scores, 1.0, rng).probabilities for _ in peers))


def everything() -> tuple[Question, ...]:
    """Return questions at 95 % on every figure that has bounds, and on those by class."""
    bounded = [spec for spec in METRICS if spec.bounded]
    questions = [Question(metric=spec.id, of=Of.PAIR, confidence=0.95) for spec in bounded]
    each = Slice(by=LABEL)
    by_class = ("agreement", "kappa", "negative_flips", "positive_flips", "js_divergence", "total_variation")
    questions += [Question(metric=f"similarity.{name}", of=Of.PAIR, slice=each, confidence=0.95) for name in by_class]
    return tuple(questions)


def how(figure: Measurement) -> str:
    """Return how a figure is bounded."""
    stated = figure.uncertainty
    return stated.method if isinstance(stated, Quantiles) else stated.kind


def options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--replicates", type=int, default=10_000, help="where a rule asks for a confidence")
    parser.add_argument("--asked", action="store_true", help="ask for a confidence on every figure")
    return parser.parse_args()


def main() -> int:
    """Print the seconds, how each figure was bounded and the peak memory; return 1 where the limit is broken."""
    args = options()
    rng = np.random.default_rng(0)
    labels = rng.integers(0, args.classes, args.images)
    scores = rng.normal(size=(args.images, args.classes)).astype(np.float32)
    scores[np.arange(args.images), labels] += 5.0
    reference, independents = model(scores, 1.0, rng), yardstick(scores, rng)
    names = tuple(map(str, range(args.classes)))
    ask = Ask(questions=everything() if args.asked else (), replicates=args.replicates)
    kinds: Counter[tuple[str, str, str]] = Counter()
    seconds = worked = 0.0
    nearest: list[float] = []
    for noise in np.linspace(0.01, FARTHEST, args.candidates):
        candidate = model(reference.raw, float(noise), rng)
        table = PredictionTable([str(row) for row in range(args.images)], labels, names, candidate, reference)
        start, start_worked = time.perf_counter(), time.process_time()
        found = SimilarityCheck().measure(TableContext(table, independents), ask)
        seconds += time.perf_counter() - start
        worked += time.process_time() - start_worked
        kinds.update((item.metric, item.slice.by if item.slice else "all", how(item)) for item in found.measurements)
        nearest += [item.value for item in found.measurements if item.metric == "similarity.independence"]
    print(
        f"{args.candidates} candidates, {args.images:,} images, {args.classes} classes, independence "
        f"{min(nearest):.4f} to {max(nearest):.3f}; {os.getloadavg()[0]:.1f} processes on {os.cpu_count()} cores"
    )
    print(f"  unasked figures rest on {min(UNASKED, args.replicates):,} replicates, asked ones on {args.replicates:,}")
    for (metric, by, method), count in sorted(kinds.items()):
        print(f"  {metric:<30} {by:<6} {method:<36} {count:>6,}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
    print(f"{seconds:.1f} s ({worked:.1f} s of processor time; limit {SECONDS:.0f} s), peak memory {memory:.2f} GB")
    return int(seconds > SECONDS)


if __name__ == "__main__":
    sys.exit(main())
