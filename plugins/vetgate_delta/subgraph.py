"""The structured subgraph of the base: fewer channels, fewer blocks, fine-tuned; built once per reference and kept.

Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks" (XDELTA).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vetgate.api import DataError, UnreadableArtifact, WorkerFailed
from vetgate_delta.cost import Cost, count
from vetgate_delta.extract import extract, remove
from vetgate_delta.finetune import Classifier, Course, Lesson, course_for, fine_tune
from vetgate_delta.mixture import masks_of
from vetgate_delta.plan import Plan, make_plan, trunk_at
from vetgate_delta.search import Teaching, meet, search
from vetgate_delta.state import Progress, recall, store

_AT_ONCE: Final = 256
"""Images that the base answers at once."""
_LOOKED_AT: Final = 64
"""Images whose bytes tell whether a run goes on with the same ones."""


@dataclass(frozen=True)
class Images:
    """Training images."""

    pixels: NDArray[np.uint8]
    """(N, H, W, 1 or 3)."""
    labels: NDArray[np.int64] | None
    """(N,) columns of the reference's scores; None to learn its own answers."""
    normalise: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    """Turns pixels into what the reference takes."""


@dataclass(frozen=True)
class Recipe:
    """How a subgraph is made of its reference again, besides its weights."""

    map: str
    """The node of the reference's graph at which it ends."""
    gone: dict[str, tuple[int, ...]]
    """Channels removed, by group."""
    input: tuple[int, ...]
    """Shape of one image, as the reference takes it."""


@dataclass(frozen=True)
class Subgraph:
    """A part of the base with fewer channels, that ends in a map."""

    module: nn.Module
    """Images to map_S (N, C_S, h', w'); in eval mode on the CPU."""
    channels: int
    size: tuple[int, int]
    cost: Cost
    sparsities: dict[str, float]
    """Share of channels removed, in [0, 1), by group: the first layer that makes them."""
    dropped: tuple[str, ...]
    """Blocks taken off the end, by the layer that ends each."""
    notes: tuple[str, ...]
    recipe: Recipe


@dataclass(frozen=True)
class _Work:
    """What a subgraph is built from."""

    reference: Callable[[], nn.Module]
    images: Images
    parameters: int
    seed: int
    device: torch.device
    tell: Callable[[str, int, int], None]
    shallow: bool
    sparsity: str
    course: Course

    def feed(self, rows: NDArray[np.intp]) -> Tensor:
        """Return images as the reference takes them, on the device."""
        return torch.from_numpy(self.images.normalise(self.images.pixels[rows])).to(self.device)

    def example(self) -> Tensor:
        """Return a few images on the CPU, at least two."""
        rows = np.arange(4) % len(self.images.pixels)
        return torch.from_numpy(self.images.normalise(self.images.pixels[rows]))


def build_subgraph(
    reference: Callable[[], nn.Module],
    images: Images,
    *,
    parameters: int,
    seed: int,
    device: torch.device,
    tell: Callable[[str, int, int], None],
    resume: Path | None,
    shallow: bool = True,
    sparsity: Literal["searched", "uniform"] = "searched",
    course: Course | None = None,
) -> Subgraph:
    """Return a fine-tuned subgraph of the reference with at most so many parameters.

    Args:
        reference: Returns it as a fresh module in eval mode.
        images: What is learned from.
        parameters: The most that it may have. Where the smallest subgraph has more, that is returned, with a note.
        seed: Of the search, the order of images and their augmentation.
        device: Where it is trained.
        tell: Told (what, done, total).
        resume: A file that keeps what each search and each epoch reached; a killed run that is called again with the
            same arguments goes on there. The caller removes it when the result is safe.
        shallow: Drop the last stage, so that the map is finer; otherwise only as many blocks as the budget asks for, at
            least one. Either way the map has at least 4 x 4 positions where the reference has such a map.
        sparsity: Whether the sparsities of groups are searched or all the same.
        course: Of fine-tuning; None for one that goes with the number of images.

    Raises:
        Inconclusive: The reference cannot be taken apart.
        DataError: There are too few images.
        WorkerFailed: The training diverges.
    """
    if len(images.pixels) < 2:
        raise DataError(f"too few training images to make a subgraph from: {len(images.pixels)}")
    work = _Work(
        reference, images, parameters, seed, device, tell, shallow, sparsity, course or course_for(len(images.pixels))
    )
    progress = Progress(resume, _made_of(work))
    labels, classes = _labels(work)
    plan, gone, notes = _thinned(work, labels, progress)
    trunk = plan.network.trunk
    with torch.random.fork_rng([]), torch.no_grad():
        torch.manual_seed(seed)
        model = Classifier(trunk, trunk(work.example()).shape[1], classes)
    fine_tune(model, Lesson(images.pixels, labels, images.normalise, tell, seed, device), work.course, progress)
    recipe = Recipe(plan.end.name, gone, tuple(work.example().shape[1:]))
    sparsities = {group.name: len(gone.get(group.name, ())) / group.channels for group in plan.groups}
    taught = f"fine-tuned on {len(labels):,} images for {work.course.epochs} epochs"
    return _subgraph(trunk, sparsities, plan.dropped, (*plan.notes, *notes, taught), recipe)


def save(subgraph: Subgraph, path: Path) -> None:
    """Write a subgraph to a file, whole or not at all: its weights and how it is made of its reference."""
    recipe = subgraph.recipe
    store(
        path,
        {
            "weights": {name: value.detach().cpu() for name, value in subgraph.module.state_dict().items()},
            "map": recipe.map,
            "gone": {name: list(channels) for name, channels in recipe.gone.items()},
            "input": list(recipe.input),
            "sparsities": subgraph.sparsities,
            "dropped": list(subgraph.dropped),
            "notes": list(subgraph.notes),
        },
    )


def load(path: Path, reference: Callable[[], nn.Module]) -> Subgraph:
    """Return a subgraph that `save` wrote; no code of the file is run.

    Args:
        path: The file.
        reference: Returns the reference that it was built from, as a fresh module.

    Raises:
        UnreadableArtifact: The file is damaged, or of another reference.
    """
    content = recall(path)
    try:
        if content is None:
            raise ValueError("it holds no subgraph")
        recipe = Recipe(
            content["map"], {name: tuple(gone) for name, gone in content["gone"].items()}, tuple(content["input"])
        )
        example = torch.zeros(2, *recipe.input)
        network, _ = trunk_at(reference(), example, recipe.map)
        if any(recipe.gone.values()):
            remove(network, example, recipe.gone)
        network.trunk.load_state_dict(content["weights"])
        told = content["sparsities"], tuple(content["dropped"]), tuple(content["notes"])
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError, WorkerFailed) as error:
        raise UnreadableArtifact(
            f"{path.name} holds no subgraph of this reference: {' '.join(str(error).split())[:200]}",
            hint="remove the file; it is built again",
        ) from None
    return _subgraph(network.trunk, *told, recipe)


def _subgraph(
    trunk: nn.Module, sparsities: dict[str, float], dropped: tuple[str, ...], notes: tuple[str, ...], recipe: Recipe
) -> Subgraph:
    trunk = trunk.eval()
    example = torch.zeros(2, *recipe.input)
    with torch.no_grad():
        _, channels, height, width = trunk(example).shape
    cost = count(trunk, example)
    return Subgraph(trunk, channels, (height, width), cost, sparsities, dropped, notes, recipe)


def _thinned(
    work: _Work, labels: NDArray[np.int64], progress: Progress
) -> tuple[Plan, dict[str, tuple[int, ...]], tuple[str, ...]]:
    """Return the part that is kept, the channels removed from it, and what to tell."""
    example = work.example()
    plan = make_plan(work.reference(), example, work.parameters, shallow=work.shallow)
    sparsities, notes = _sparsities(work, plan, labels, progress)
    try:
        gone = extract(plan.network, example, plan.groups, masks_of(plan.groups, sparsities))
    except WorkerFailed as error:
        plan = make_plan(work.reference(), example, work.parameters, shallow=work.shallow, whole=True)
        return plan, {}, (f"only blocks were dropped: {error.message}",)
    return plan, gone, notes


def _sparsities(
    work: _Work, plan: Plan, labels: NDArray[np.int64], progress: Progress
) -> tuple[dict[str, float], tuple[str, ...]]:
    none = dict.fromkeys((group.name for group in plan.groups), 0.0)
    network, groups = plan.network, plan.groups
    if not groups or plan.parameters(none) <= work.parameters:
        return none, ("every channel of the blocks that are left fits into the budget",)
    uniform = meet(network, groups, none, work.parameters)
    if work.sparsity == "uniform":
        return uniform, (f"sparsity {max(uniform.values()):.3f} for all groups, not searched",)
    network.to(work.device)
    plan.rest.to(work.device)
    teaching = Teaching(
        len(labels),
        lambda rows: (work.feed(rows), torch.from_numpy(labels[rows]).to(work.device)),
        work.tell,
        work.seed,
    )
    found = search(network, plan.rest, groups, work.parameters, teaching, progress)
    network.to("cpu")
    met = meet(network, groups, found.sparsities, work.parameters)
    return met, (
        f"sparsities {min(met.values()):.3f} to {max(met.values()):.3f} by group, found in {found.searches} short"
        f" searches and a long one at l1 = {found.l1:.3g}; uniform sparsity of the same budget is"
        f" {max(uniform.values()):.3f}; before one common offset met the budget of {work.parameters:,} parameters the"
        f" search had left {plan.parameters(found.sparsities):,}",
    )


def _labels(work: _Work) -> tuple[NDArray[np.int64], int]:
    """Return what is learned, (N,), and the number of columns of the reference's scores."""
    module = work.reference().to(work.device).eval()
    total = len(work.images.pixels)
    with torch.no_grad():
        classes = module(work.feed(np.arange(min(2, total)))).shape[1]
        if work.images.labels is not None:
            return _checked(work.images.labels.astype(np.int64), classes), classes
        answers = np.empty(total, np.int64)
        for start in range(0, total, _AT_ONCE):
            work.tell("ask the reference", start, total)
            rows = np.arange(start, min(start + _AT_ONCE, total))
            answers[rows] = module(work.feed(rows)).argmax(dim=1).cpu().numpy()
    return answers, classes


def _checked(labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise DataError(
            f"{len(wrong):,} training images have a label that is no class of the reference, such as {wrong[0]};"
            f" it has {classes} columns"
        )
    return labels


def _made_of(work: _Work) -> str:
    """Return what the result depends on, in a text that is equal where it is."""
    digest = hashlib.sha256()
    for name, value in work.reference().state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    total = len(work.images.pixels)
    for row in np.linspace(0, total - 1, min(_LOOKED_AT, total)).astype(np.intp):
        digest.update(np.ascontiguousarray(work.images.pixels[row]).tobytes())
    if work.images.labels is not None:
        digest.update(np.ascontiguousarray(work.images.labels).tobytes())
    return json.dumps(
        [digest.hexdigest(), total, work.parameters, work.seed, work.shallow, work.sparsity, asdict(work.course)]
    )
