"""Time the landscape of many models: distances, t-SNE, classical scaling and the picture, and the memory they take.

The models are made up: a reference, families of compressed variants that are ever farther from it, and training runs
of independent models with checkpoints, as many as are asked for. No model runs.

    python benchmarks/landscape.py --models 60 --images 10000 --classes 10
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time

import numpy as np
from numpy.typing import NDArray
from vetgate_landscape.embed import ClassicalScaling, Neighbours
from vetgate_landscape.picture import LandscapePicture

from vetgate.api import Landscape, Part, Point
from vetgate.domain.report import DataSummary
from vetgate.landscape import landscape_of

SECONDS, GIGABYTES = 15.0, 2.0
FAMILIES = ("quantised", "L1 pruning", "random pruning", "structured pruning", "weight clustering", "distillation")
CHECKPOINTS = 3
RUNS = 4

Made = tuple[list[Point], list[NDArray[np.float64]]]
Spent = tuple[float, float]
"""Seconds by the clock, and of processor time."""


def make_models(models: int, images: int, classes: int, seed: int) -> Made:
    """Return points and their probabilities: the reference, RUNS training runs, and variants for the rest."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    base = rng.normal(size=(images, classes))
    base[np.arange(images), labels] += 3.2
    points, matrices = [], []

    def add(point: Point, logits: NDArray[np.float64]) -> None:
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        matrix = grown / grown.sum(axis=1, keepdims=True)
        points.append(point.model_copy(update={"accuracy": float((matrix.argmax(axis=1) == labels).mean())}))
        matrices.append(matrix)

    add(Point(name="reference.pt", part=Part.REFERENCE), 3 * base)
    for run in range(RUNS):
        own = rng.normal(size=base.shape)
        for step in range(1, CHECKPOINTS + 1):
            last = step == CHECKPOINTS
            noise = 0.3 * own + (CHECKPOINTS - step) * 0.3 * rng.normal(size=base.shape)
            part = Part.INDEPENDENT if last else Part.CHECKPOINT
            point = Point(name=f"independent{run + 1}-{step}.pt", part=part, run=f"run {run + 1}", step=step)
            add(point, 3 * step / CHECKPOINTS * (base + noise))
    for index in range(models - len(points)):
        family, rank = FAMILIES[index % len(FAMILIES)], index // len(FAMILIES)
        point = Point(name=f"{family.replace(' ', '-').lower()}-{rank}.onnx", part=Part.VARIANT, family=family)
        add(point, 3 * (base + 10.0 ** rng.uniform(-4, 0.2) * rng.normal(size=base.shape)))
    return points, matrices


def main() -> int:
    """Print seconds of every part and the peak of memory; return 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=60)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    points, matrices = make_models(options.models, options.images, options.classes, options.seed)
    images = DataSummary(
        name="made up", sha256="0" * 64, images=options.images, available=options.images, labelled=True, classes=None
    )
    seconds: dict[str, Spent] = {}

    def timed(name: str, start: Spent) -> None:
        seconds[name] = time.perf_counter() - start[0], time.process_time() - start[1]

    start = time.perf_counter(), time.process_time()
    landscape = landscape_of(points, matrices, images, options.seed)
    timed("distances, both, all pairs", start)
    start = time.perf_counter(), time.process_time()
    neighbours = Neighbours().embed(landscape)
    timed("t-SNE, and importing openTSNE", start)
    start = time.perf_counter(), time.process_time()
    scaled = ClassicalScaling().embed(landscape)
    timed("classical scaling", start)
    drawn = landscape.model_copy(update={"embeddings": (neighbours,)})
    start = time.perf_counter(), time.process_time()
    picture = LandscapePicture("png").draw(drawn)
    timed("picture, PNG, and importing matplotlib", start)
    return report(options, landscape, seconds, len(picture), (neighbours.rank_correlation, scaled.rank_correlation))


def report(
    options: argparse.Namespace,
    landscape: Landscape,
    seconds: dict[str, Spent],
    size: int,
    correlations: tuple[float | None, float | None],
) -> int:
    """Print what was measured beside the target; return the exit code."""
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    cores = len(os.sched_getaffinity(0))
    print(f"{len(landscape.points)} models x {options.images:,} images x {options.classes} classes", end="; ")
    print(f"{os.getloadavg()[0]:.1f} processes on {cores} cores")
    for name, (clock, worked) in seconds.items():
        print(f"  {name:<40} {clock:7.2f} s  ({worked:.2f} s of processor time)")
    whole = sum(clock for clock, _ in seconds.values())
    print(
        f"  {'all':<40} {whole:7.2f} s  ({sum(worked for _, worked in seconds.values()):.2f} s)  target {SECONDS:g} s"
    )
    print(f"  {'peak memory':<40} {gigabytes:7.2f} GB   target {GIGABYTES:g} GB")
    print(
        f"  rank correlation: t-SNE {correlations[0]:.2f}, classical scaling {correlations[1]:.2f}; PNG {size:,} bytes"
    )
    return 0 if whole <= SECONDS and gigabytes <= GIGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
