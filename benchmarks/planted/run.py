"""Hold DELTA to a planted truth: what a candidate lost is known, because the candidate was made blind to it.

    python benchmarks/planted/run.py --fashion DIR --cifar cifar10-jpeg.zip --output DIR [--seeds 0 1 2]

DIR holds Fashion-MNIST's four files. For every seed a base and three candidates are trained: blind to part A, blind to
part B, and one that sees all; then DELTA beside each. Prints every target with what was reached; exit code 1 if one was
missed. Trained models and DELTAs are kept in the output folder and not made again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import proofs
import scenes
import torch
import trainings
from numpy.typing import NDArray
from targets import Row, Target, judged
from torch import nn
from vetgate_delta.answers import maps_of
from vetgate_delta.check import Disparity
from vetgate_delta.material import given_by, open_base
from vetgate_delta.shelf import Shelf
from vetgate_delta.splits import make_plan
from vetgate_delta.studio import Studio, make_subgraph, taken_of

from vetgate.api import Ask, CandidateSeen, Card, ImageSet, Input, Output, Results, TrainerContext, Tuning

Blind = {"blind-a": scenes.A, "blind-b": scenes.B}


@dataclass(frozen=True)
class Stage:
    """The images of one seed."""

    seed: int
    training: scenes.Scenes
    test: scenes.Scenes
    folder: Path


class Clock:
    """Prints how long each step took."""

    def __init__(self) -> None:
        self._what, self._begin = "", time.perf_counter()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take note of progress."""
        kind = what.split(",")[0]
        if kind != self._what:
            now = time.perf_counter()
            if self._what:
                print(f"  {self._what}: {now - self._begin:.1f} s", file=sys.stderr, flush=True)
            self._what, self._begin = kind, now


def prepare(options: argparse.Namespace, seed: int) -> Stage:
    """Return the images of one seed, drawn anew."""
    folder: Path = options.output / f"seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    sources = {split: scenes.items(options.fashion, options.cifar, split) for split in ("train", "test")}
    training = scenes.draw(sources["train"], options.training, 10 * seed)
    for recipe in trainings.RECIPES:
        if not (folder / f"{recipe.name}.pt").exists():
            own = training
            if recipe.shuffled is not None:
                own = scenes.draw(sources["train"], options.training, 10 * seed + 1 + recipe.shuffled, recipe.shuffled)
            trainings.trained(recipe, own, seed, folder / f"{recipe.name}.pt")
    return Stage(seed, training, scenes.draw(sources["test"], options.test, 1000 + seed), folder)


def model(stage: Stage, name: str) -> nn.Module:
    """Return a trained model of one seed."""
    recipe = next(recipe for recipe in trainings.RECIPES if recipe.name == name)
    return trainings.trained(recipe, stage.training, stage.seed, stage.folder / f"{name}.pt")


def looks(network: nn.Module, pixels: NDArray[np.uint8]) -> proofs.Looks:
    """Return what a network gives for images."""
    features = nn.Sequential(network.stem, network.blocks)  # type: ignore[arg-type]
    parts = []
    with torch.no_grad():
        for at in range(0, len(pixels), 250):
            parts.append(features(torch.from_numpy(trainings.normalise(pixels[at : at + 250]))))
        maps = torch.cat(parts)
        logits = network.classifier(maps.mean(dim=(2, 3)))  # type: ignore[operator]
    weights = network.classifier.weight.detach().numpy()  # type: ignore[operator,union-attr]
    return proofs.Looks(maps.numpy(), weights, logits.argmax(dim=1).numpy())


def seen(network: nn.Module, images: scenes.Scenes, *, name: str, with_maps: bool) -> ImageSet:
    """Return images with what a candidate gives for them, as a check gets them."""
    maps = looks(network, images.pixels).maps
    logits = torch.from_numpy(trainings.outputs(network, images.pixels))
    given = CandidateSeen(
        probabilities=torch.softmax(logits.double(), dim=1).numpy(),
        logits=logits.numpy(),
        pooled=maps.mean(axis=(2, 3)),
        maps=maps if with_maps else None,
    )
    ids = tuple(f"{name}{index}" for index in range(len(images)))
    return ImageSet(name, ids, ids, images.pixels, images.labels, given)


def context_for(stage: Stage, name: str, tuning: Tuning, threads: int) -> TrainerContext:
    """Return the context of one candidate."""
    network = model(stage, name)
    mean, std = (trainings.MEAN,), (trainings.STD,)
    size = (scenes.SIDE, scenes.SIDE)
    taken = Input(size=size, resize="none", colour="rgb", scale=1 / 255, mean=mean, std=std, layout="NCHW")
    card = Card(version=1, input=taken, output=Output(kind="logits"))
    return TrainerContext(
        reference=lambda: model(stage, "base"),
        reference_card=card,
        candidate=lambda: network,
        candidate_card=card,
        candidate_name=name,
        classes=scenes.GARMENTS,
        feature_map=None,
        feature_note="",
        vetted=seen(network, stage.test, name="test", with_maps=True),
        training=seen(network, stage.training, name="train", with_maps=False),
        concepts={},
        normalise=trainings.normalise,
        label=None,
        tuning=tuning,
        shelf=stage.folder / "shelf",
        reference_key=f"planted {stage.seed} {len(stage.training)}",
        candidate_key=name,
        candidate_parameters=sum(parameter.numel() for parameter in network.parameters()),
        candidate_macs=None,
        seed=stage.seed,
        threads=threads,
        tell=Clock(),
    )


def delta_maps(context: TrainerContext, rows: NDArray[np.intp], classes: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return DELTA's maps for some test images; it was trained before and is read from its shelf."""
    shelf, device = Shelf(context.shelf), torch.device("cpu")
    plan, base = make_plan(context.vetted, context.training, 1, context.seed), open_base(context)
    made = make_subgraph(context, base, plan, shelf, device)
    studio = Studio(
        context, base, plan, made, shelf, device, lambda images: given_by(base, context, images, shelf, device)
    )
    delta = studio.fitted(0, plan.folds[0])
    return maps_of(delta, context, context.vetted, rows, taken_of(context).vetted, classes, device)


def measure(stage: Stage, name: str, tuning: Tuning, threads: int) -> Row:
    """Return what DELTA's maps of one candidate reach, beside the maps of both models and their difference."""
    context = context_for(stage, name, tuning, threads)
    results = Disparity().measure(context, Ask(seed=stage.seed, replicates=2000))
    base, candidate = (looks(model(stage, each), stage.test.pixels) for each in ("base", name))
    right = base.classes == stage.test.labels
    flip = np.flatnonzero(right & stage.test.shows(scenes.A) & stage.test.shows(scenes.B))
    maps = delta_maps(context, flip, base.classes[flip])

    def shares(of: NDArray[np.float32]) -> tuple[float, float]:
        first, second = (float(proofs.maxima(of, stage.test, flip, part).mean()) for part in (scenes.A, scenes.B))
        return first, second

    row = Row(
        seed=stage.seed,
        candidate=name,
        variant=tuning.variant,
        images=len(flip),
        maxima=shares(maps),
        maxima_base=shares(base.of(flip, base.classes[flip])),
        maxima_difference={form: shares(of) for form, of in proofs.differences(base, candidate, flip).items()},
        figures=_figures(results),
        findings=tuple(found.message for found in results.findings),
    )
    if name not in Blind:
        return row
    part = Blind[name]
    wrong = candidate.classes != stage.test.labels
    rows = np.flatnonzero(right & wrong & stage.test.shows(part))
    return row.explained(*_compared(context, stage, base, candidate, rows, part))


def _figures(results: Results) -> dict[str, float]:
    return {each.metric.removeprefix("disparity."): each.value for each in results.measurements if each.slice is None}


def _compared(
    context: TrainerContext,
    stage: Stage,
    base: proofs.Looks,
    candidate: proofs.Looks,
    rows: NDArray[np.intp],
    part: int,
) -> tuple[int, dict[str, dict[str, float]], dict[str, float]]:
    """Return of the explained images that show the part: how many, what each map reaches, and DELTA's least gain."""
    every = {"DELTA": delta_maps(context, rows, base.classes[rows]), **proofs.differences(base, candidate, rows)}
    every["base"] = base.of(rows, base.classes[rows])
    reached: dict[str, dict[str, float]] = {}
    each: dict[str, dict[str, NDArray[np.floating]]] = {}
    for form, maps in every.items():
        found = proofs.overlaps(maps, stage.test, rows, part)
        each[form] = {
            "overlap": found.share,
            "union": found.union,
            "pointing": proofs.maxima(maps, stage.test, rows, part).astype(np.float64),
            "named": proofs.named(maps, stage.test, rows, part).astype(np.float64),
        }
        reached[form] = {figure: float(values.mean()) for figure, values in each[form].items()}
    least = {}
    for figure in ("overlap", "union", "pointing"):
        strongest = max(
            (form for form in each if form not in ("DELTA", "base")), key=lambda form: reached[form][figure]
        )
        least[figure] = proofs.least_gain(each["DELTA"][figure], each[strongest][figure])
    return len(rows), reached, least


def main(arguments: Sequence[str]) -> int:
    """Return 0 if every target was reached, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fashion", type=Path, required=True, help="folder of Fashion-MNIST's four files")
    parser.add_argument("--cifar", type=Path, required=True, help="cifar10-jpeg.zip")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--variants", nargs="+", choices=("residual", "paper"), default=["residual", "paper"])
    parser.add_argument("--candidates", nargs="+", default=["blind-a", "blind-b", "all"])
    parser.add_argument("--training", type=int, default=12_000, help="images")
    parser.add_argument("--test", type=int, default=5_000, help="images")
    parser.add_argument("--budget", type=float, default=0.2)
    parser.add_argument("--subgraph-epochs", type=int, help="[default: as vetgate explain]")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    rows = []
    for seed in options.seeds:
        stage = prepare(options, seed)
        for name in options.candidates:
            for variant in options.variants:
                tuning = Tuning(budget=options.budget, variant=variant, subgraph_epochs=options.subgraph_epochs)
                rows.append(measure(stage, name, tuning, options.threads))
                print(rows[-1].told(), flush=True)
                (options.output / "rows.json").write_text(json.dumps([asdict(row) for row in rows], indent=1))
    found: list[Target] = judged(rows)
    for target in found:
        print(target.told())
    return 0 if all(target.reached for target in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
