"""Time every accuracy and similarity figure with its intervals on many images and classes, and the memory it takes.

Two correlated models are made up, so that no model has to run. Every rule that can be written is asked: figures of
every class, of a column with eight values, worst slices and gaps. The pass to compare with takes the answers, top-5
places and divergences with plain numpy and no interval.

    python benchmarks/full_statistics.py --images 10000 --classes 1000 --replicates 10000
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from vetgate_quality.check import QualityCheck
from vetgate_quality.metrics import METRICS as ACCURACY
from vetgate_similarity.check import SimilarityCheck
from vetgate_similarity.metrics import METRICS as SIMILARITY

from vetgate.api import LABEL, Ask, Check, Column, Predictions, PredictionTable, Question, Results, Slice, TableContext

WEATHER = ("clear", "cloudy", "dusk", "fog", "night", "rain", "snow", "storm")
SECONDS, GIGABYTES = 10.0, 2.0
LOOKS = 3


def pair_of_models(images: int, classes: int, seed: int) -> PredictionTable:
    """Return answers of two models that share most of what they saw: some 80 % accuracy, 18 % disagreement."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    shared = rng.normal(size=(images, classes)).astype(np.float32)
    shared[np.arange(images), labels] += 4.4
    models = [_model(shared, noise, rng) for noise in (0.3, 0.2)]
    columns = {"weather": Column(WEATHER, rng.integers(0, len(WEATHER), images))}
    ids, names = ([str(index) for index in range(count)] for count in (images, classes))
    return PredictionTable(ids, labels, tuple(names), models[0], models[1], columns)


def _model(shared: NDArray[np.float32], noise: float, rng: np.random.Generator) -> Predictions:
    raw = shared + noise * rng.normal(size=shared.shape).astype(np.float32)
    probabilities = np.exp(3.0 * raw.astype(np.float64))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return Predictions(raw, probabilities, raw.argmax(axis=1).astype(np.int64))


def everything(replicates: int) -> Ask:
    """Return questions on every figure, and on its slices by label and by a column."""
    questions = []
    for spec in (*ACCURACY, *SIMILARITY):
        for role in spec.roles:
            if not spec.over_slices:
                questions.append(Question(metric=spec.id, of=role, confidence=0.95))
            columns = (spec.columns or (LABEL, "weather")) if spec.sliced or spec.over_slices else ()
            questions += [Question(metric=spec.id, of=role, slice=Slice(by=by), confidence=0.95) for by in columns]
    return Ask(questions=tuple(questions), replicates=replicates)


def plain_pass(table: PredictionTable) -> None:
    """Take answers, top-5 places and divergences with numpy alone."""
    for model in (table.candidate, table.reference):
        model.raw.argmax(axis=1)
        np.argpartition(-model.raw, 5, axis=1)
    p, q = table.candidate.probabilities, table.reference.probabilities
    middle = (p + q) / 2.0
    for part in (p, q):
        (part * np.log2(part / middle)).sum(axis=1)


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _print_figures(results: Results) -> None:
    kinds = Counter(
        (figure.metric, figure.slice.by if figure.slice else "all", figure.uncertainty.kind)
        for figure in results.measurements
    )
    for (metric, by, kind), count in sorted(kinds.items()):
        print(f"  {metric:<28} {by:<8} {kind:<14} {count:>6,}")


def main() -> int:
    """Print what was computed, the seconds of each check and the peak memory; return 1 where the limits are broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=1_000)
    parser.add_argument("--replicates", type=int, default=10_000)
    args = parser.parse_args()
    table = pair_of_models(args.images, args.classes, seed=0)
    ask = everything(args.replicates)
    plain = _timed(lambda: plain_pass(table))
    print(
        f"{args.images:,} images, {args.classes:,} classes, {args.replicates:,} replicates; plain pass {plain:.2f} s; ",
        end="",
    )
    print(f"{os.getloadavg()[0]:.1f} processes on {os.cpu_count()} cores")
    total = 0.0
    checks: dict[str, Check[TableContext]] = {"quality": QualityCheck(), "similarity": SimilarityCheck()}
    for name, check in checks.items():
        start, worked = time.perf_counter(), time.process_time()
        results = check.measure(TableContext(table), ask)
        seconds = time.perf_counter() - start
        worked = time.process_time() - worked
        total += seconds
        print(
            f"{name}: {len(results.measurements):,} figures in {seconds:.2f} s ({worked:.2f} s of processor time), ",
            end="",
        )
        print(f"{seconds / plain:.1f} plain passes")
        print("  figure                       of       uncertainty    number")
        _print_figures(results)
        _print_glances(check, table, ask)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
    print(f"all: {total:.2f} s (limit {SECONDS:.0f} s), peak memory {memory:.2f} GB (limit {GIGABYTES:.0f} GB)")
    return int(total > SECONDS or memory > GIGABYTES)


def _print_glances(check: Check[TableContext], table: PredictionTable, ask: Ask) -> None:
    """Print the time of one look of a run that may stop early: with all questions, and with those on all images."""
    whole = tuple(question for question in ask.questions if question.slice is None)
    for name, questions in (("every slice", ask.questions), ("no slice", whole)):
        glance = ask.model_copy(update={"glance": True, "questions": questions})
        worked = time.process_time()
        seconds = min(_timed(partial(check.measure, TableContext(table), glance)) for _ in range(LOOKS))
        worked = (time.process_time() - worked) / LOOKS
        print(f"  one look, {name}: {seconds * 1e3:.1f} ms ({worked * 1e3:.1f} ms of processor time)")


if __name__ == "__main__":
    sys.exit(main())
