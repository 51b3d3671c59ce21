"""Print how often one-sided bounds miss the truth, for macro figures and for similarity of two correlated models.

Images of each class are drawn from a population in which every chance is known; the columns are the shares of samples
whose lower bound lies above the true figure and whose upper bound lies below it. Both should be near 1 - confidence.

    python benchmarks/bootstrap_coverage.py --classes 20 --images 10 --samples 1000
    python benchmarks/bootstrap_coverage.py --similarity --noise 0.3 --classes 10 --images 50 --samples 1000

The population of the second is a finite one, of 100,000 images with scores of a reference, of a candidate that sees
them with so much noise, and of three independent models (noise 1), from which images are drawn whatever their class.

The bounds are approximate. Without the allowance for bias (vetgate/statistics/unseen.py) the lower bound of a model's
own macro precision missed in 20 % (100 classes of 5 images) and 45 % (300 classes of 10), with it in 5 % and 1 %.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vetgate_quality.check import QualityCheck
from vetgate_similarity.check import SimilarityCheck

from vetgate.api import (
    Ask,
    Distance,
    Measurement,
    Of,
    Peer,
    Predictions,
    PredictionTable,
    Quantiles,
    Question,
    TableContext,
    Yardstick,
    YardstickSummary,
)

Floats = NDArray[np.float64]
POPULATION = 100_000
FIGURES = ("precision_macro", "recall_macro", "f1_macro", "f1_weighted")


def population(classes: int, reference: float, broken: float, mended: float, seed: int) -> Floats:
    """Return (C, C, C) the chance of each answer of reference and candidate, given the label.

    Args:
        classes: C.
        reference: Mean accuracy of the reference, in (0, 1).
        broken: Chance that the candidate errs where the reference is right.
        mended: Chance that it is right where the reference errs.
        seed: Of what is taken for what.
    """
    rng = np.random.default_rng(seed)
    joint = np.zeros((classes, classes, classes))
    for label in range(classes):
        taken = rng.dirichlet(np.full(classes, 0.3))
        taken[label] = 0.0
        taken /= taken.sum()
        right = float(np.clip(reference + rng.normal(scale=0.05), 0.05, 0.99))
        joint[label, label] = right * broken * taken
        joint[label, label, label] = right * (1.0 - broken)
        for answer in np.flatnonzero(np.arange(classes) != label).tolist():
            joint[label, answer, answer] += (1.0 - right) * taken[answer] * (1.0 - mended)
            joint[label, answer, label] += (1.0 - right) * taken[answer] * mended
    return joint


def truth(joint: Floats, images: NDArray[np.int64]) -> dict[tuple[str, Of], float]:
    """Return the true figures, with the classes in the proportions of the images (C,)."""
    found: dict[tuple[str, Of], float] = {}
    classes = np.arange(len(images))
    for role, axis in ((Of.REFERENCE, 2), (Of.CANDIDATE, 1)):
        confusion = joint.sum(axis=axis) * images[:, np.newaxis]
        right, given = confusion[classes, classes], confusion.sum(axis=0)
        f1 = 2.0 * right / (images + given)
        precision = np.divide(right, given, out=np.zeros_like(right), where=given > 0)
        values = (precision.mean(), (right / images).mean(), f1.mean(), f1 @ images / images.sum())
        found |= {(name, role): float(value) for name, value in zip(FIGURES, values, strict=True)}
    return found | {(name, Of.DELTA): found[name, Of.CANDIDATE] - found[name, Of.REFERENCE] for name in FIGURES}


def drawn(joint: Floats, images: NDArray[np.int64], rng: np.random.Generator) -> PredictionTable:
    """Return one sample."""
    size = len(images)
    codes = [rng.choice(size * size, size=count, p=joint[label].ravel()) for label, count in enumerate(images.tolist())]
    reference, candidate = np.divmod(np.concatenate(codes), size)
    sure = [
        Predictions(np.eye(size, dtype=np.float32)[part], np.eye(size)[part], part) for part in (candidate, reference)
    ]
    labels = np.repeat(np.arange(size), images)
    return PredictionTable(range_names(len(labels)), labels, range_names(size), sure[0], sure[1])


def range_names(count: int) -> tuple[str, ...]:
    """Return the indices as text."""
    return tuple(map(str, range(count)))


def misses(
    joint: Floats, images: NDArray[np.int64], *, samples: int, replicates: int, confidence: float, seed: int
) -> dict[tuple[str, Of], tuple[float, float]]:
    """Return by figure how often the lower bound is over the truth, and the upper one under it."""
    true = truth(joint, images)
    over, under = (dict.fromkeys(true, 0) for _ in range(2))
    rng = np.random.default_rng(seed)
    question = Question(metric="accuracy.f1_macro", of=Of.DELTA, confidence=confidence)
    for sample in range(samples):
        ask = Ask(questions=(question,), replicates=replicates, seed=sample)
        for figure in QualityCheck().measure(TableContext(drawn(joint, images, rng)), ask).measurements:
            key = (figure.metric.removeprefix("accuracy."), figure.role)
            if key in true and isinstance(figure.uncertainty, Quantiles):
                at = dict(zip(figure.uncertainty.levels, figure.uncertainty.values, strict=True))
                over[key] += at[round(1.0 - confidence, 12)] > true[key]
                under[key] += at[confidence] < true[key]
    return {key: (over[key] / samples, under[key] / samples) for key in true}


@dataclass(frozen=True)
class Scored:
    """Images with what every model answers to them."""

    labels: NDArray[np.int64]
    models: tuple[Predictions, ...]
    """Reference, candidate, independents."""

    @classmethod
    def population(cls, classes: int, noise: float, seed: int) -> Scored:
        """Return the whole population."""
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, classes, POPULATION)
        # Few images are hard, as in life: the others are told apart with ease.
        seen = rng.normal(size=(POPULATION, classes)) * rng.gamma(1.0, size=(POPULATION, 1))
        seen[np.arange(POPULATION), labels] += 3.0
        scales = (0.0, noise, 1.0, 1.0, 1.0)
        return cls(labels, tuple(answers(seen + scale * rng.normal(size=seen.shape)) for scale in scales))

    def drawn(self, count: int, rng: np.random.Generator) -> Scored:
        """Return some of the images, drawn with replacement."""
        rows = rng.integers(0, len(self.labels), count)
        models = (Predictions(one.raw[rows], one.probabilities[rows], one.answers[rows]) for one in self.models)
        return Scored(self.labels[rows], tuple(models))

    def measured(self, ask: Ask) -> dict[str, Measurement]:
        """Return the figures of all images by name."""
        reference, candidate, *independents = self.models
        classes = range_names(reference.raw.shape[1])
        table = PredictionTable(range_names(len(self.labels)), self.labels, classes, candidate, reference)
        peers = tuple(
            Peer(name=name, sha256=name, card_sha256=name, run=name, step=1, final=True)
            for name in range_names(len(independents))
        )
        summary = YardstickSummary(
            name="made up", sha256="0", distance=Distance.JS_DIVERGENCE, peers=peers, images=len(self.labels)
        )
        yardstick = Yardstick(summary, peers, tuple(one.probabilities for one in independents))
        found = SimilarityCheck().measure(TableContext(table, yardstick), ask).measurements
        return {figure.metric.removeprefix("similarity."): figure for figure in found if figure.slice is None}


def answers(scores: Floats) -> Predictions:
    """Return a model that gives these scores (N, C)."""
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = grown / grown.sum(axis=1, keepdims=True)
    return Predictions(scores.astype(np.float32), probabilities, scores.argmax(axis=1).astype(np.int64))


def print_similarity(args: argparse.Namespace) -> None:
    """Print one row for each similarity figure that has bounds."""
    everyone = Scored.population(args.classes, args.noise, seed=1)
    asking = Ask(replicates=args.replicates)
    true = {name: figure.value for name, figure in everyone.measured(Ask(replicates=1)).items()}
    over, under, bounded = Counter[str](), Counter[str](), Counter[str]()
    rng = np.random.default_rng(2)
    count = args.classes * args.images
    for sample in range(args.samples):
        for name, figure in everyone.drawn(count, rng).measured(asking.model_copy(update={"seed": sample})).items():
            if isinstance(figure.uncertainty, Quantiles):
                at = dict(zip(figure.uncertainty.levels, figure.uncertainty.values, strict=True))
                bounded[name] += 1
                over[name] += at[round(1.0 - args.confidence, 12)] > true[name]
                under[name] += at[args.confidence] < true[name]
    print(f"{args.classes} classes, {count:,} images, noise {args.noise}, {args.samples:,} samples, ", end="")
    print(f"{args.replicates:,} replicates, {args.confidence:.1%} confidence")
    for name, samples in bounded.items():
        print(
            f"{name:<18} true {true[name]:+.4f}   lower over {over[name] / samples:6.2%}   "
            f"upper under {under[name] / samples:6.2%}   of {samples:,} with bounds"
        )


def main() -> None:
    """Print one row a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--images", type=int, default=20, help="of each class")
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--replicates", type=int, default=1_000)
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--broken", type=float, default=0.05)
    parser.add_argument("--mended", type=float, default=0.1)
    parser.add_argument("--similarity", action="store_true", help="similarity in place of macro figures")
    parser.add_argument("--noise", type=float, default=0.3, help="of the candidate, that of an independent being 1")
    args = parser.parse_args()
    if args.similarity:
        print_similarity(args)
        return
    joint = population(args.classes, 0.8, args.broken, args.mended, seed=1)
    images = np.full(args.classes, args.images)
    true = truth(joint, images)
    found = misses(joint, images, samples=args.samples, replicates=args.replicates, confidence=args.confidence, seed=2)
    print(
        f"{args.classes} classes, {args.images} images each, {args.samples:,} samples, {args.confidence:.1%} confidence"
    )
    for (name, role), (over, under) in found.items():
        figure = f"{name:<16} {role.value:<10} true {true[name, role]:+.4f}"
        print(f"{figure}   lower over {over:6.2%}   upper under {under:6.2%}")


if __name__ == "__main__":
    main()
