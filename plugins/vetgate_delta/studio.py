"""Where DELTA is made: the subgraph of the reference, and its trainings beside one candidate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vetgate.api import Finding, ImageSet, TrainerContext, UnreadableArtifact
from vetgate_delta import told
from vetgate_delta.finetune import course_for
from vetgate_delta.fit import HEADS_EPOCHS, Course, Fitted, Seen, Site, affordable, epochs_for, fit
from vetgate_delta.loss import Weights
from vetgate_delta.material import Base, Given, means_of
from vetgate_delta.network import Delta, Shape, heads_of, shape_within
from vetgate_delta.shelf import Shelf, digest_of
from vetgate_delta.splits import Fold, Plan
from vetgate_delta.state import recall, store
from vetgate_delta.subgraph import Images, Subgraph, build_subgraph, load, save


@dataclass(frozen=True)
class Taken:
    """What DELTA takes of the candidate: e."""

    vetted: NDArray[np.float32]
    """(N, C_E)."""
    training: NDArray[np.float32] | None
    note: str


def taken_of(context: TrainerContext) -> Taken:
    """Return the candidate's pooled features, or its probabilities where it shows none."""
    sets = [context.vetted] + ([context.training] if context.training is not None else [])
    if all(images.candidate.pooled is not None for images in sets):
        found = [np.asarray(images.candidate.pooled, np.float32) for images in sets]
        name = f" {context.feature_map.name}" if context.feature_map is not None else ""
        note = f"its feature map{name}'s {found[0].shape[1]} channels, mean over positions"
    else:
        found = [np.asarray(images.candidate.probabilities, np.float32) for images in sets]
        note = f"its {found[0].shape[1]} probabilities, for it shows no inner tensors"
    told_by = f"{note} ({context.feature_note.rstrip('.')})" if context.feature_note else note
    return Taken(found[0], found[1] if len(found) > 1 else None, told_by)


@dataclass(frozen=True)
class Kept:
    """A subgraph with what it is made of."""

    made: Subgraph
    key: dict[str, object]
    seconds: float
    """That making it took."""
    reused: bool


def make_subgraph(context: TrainerContext, base: Base, plan: Plan, shelf: Shelf, device: torch.device) -> Kept:
    """Return the subgraph of the reference, built once in the life of the shelf; a killed run goes on where it was."""
    images, rows = plan.images, plan.subgraph
    labels = None if images.labels is None else np.asarray(images.labels)[rows]
    shallow = context.tuning.variant == "residual"
    parameters = max(_most(context, base) - _heads_likely(context, base), 1)
    course = course_for(len(rows), context.tuning.subgraph_epochs)
    key: dict[str, object] = {
        "reference": context.reference_key,
        "images": digest_of([images.digests[row] for row in rows], labels),
        "parameters": parameters,
        "shallow": shallow,
        "seed": context.seed,
        "device": device.type,
        "epochs": course.epochs,
    }
    place = shelf.path("subgraph", key, ".pt")
    clock = place.with_suffix(".seconds")
    if place.exists():
        try:
            return Kept(load(place, context.reference), key, _seconds(clock), reused=True)
        except UnreadableArtifact:
            place.unlink(missing_ok=True)
    resume = place.with_suffix(".partial")
    begin = time.perf_counter()
    pixels = images.pixels if len(rows) == len(images) else np.asarray(images.pixels[rows])
    columns = None if labels is None else labels + context.reference_card.output.offset
    made = build_subgraph(
        context.reference,
        Images(pixels, columns, context.normalise),
        parameters=parameters,
        seed=context.seed,
        device=device,
        tell=context.tell,
        resume=resume,
        shallow=shallow,
        course=course,
    )
    seconds = time.perf_counter() - begin
    save(made, place)
    store(clock, {"seconds": seconds})
    resume.unlink(missing_ok=True)
    return Kept(made, key, seconds, reused=False)


def _seconds(clock: Path) -> float:
    kept = recall(clock)
    return float(kept["seconds"]) if kept is not None else 0.0


def _most(context: TrainerContext, base: Base) -> int:
    """Return the parameters that all of DELTA may have."""
    return int(context.tuning.budget * base.cost.parameters)


def _heads_likely(context: TrainerContext, base: Base) -> int:
    """Return what is left to the heads, the same for every candidate: as if it had as many features as the reference.

    The map is taken to keep the root of the budget's share of its channels, as where all layers lose alike. Half of the
    budget at most, so that the subgraph keeps its part.
    """
    variant, half = context.tuning.variant, _most(context, base) // 2
    channels = math.ceil(base.channels * math.sqrt(context.tuning.budget))
    return min(heads_of(shape_within(channels, base.features, base.features, variant, half), variant), half)


@dataclass(frozen=True)
class Studio:
    """Trains DELTA beside one candidate, fold by fold."""

    context: TrainerContext
    base: Base
    plan: Plan
    subgraph: Kept
    shelf: Shelf
    device: torch.device
    given: Callable[[ImageSet], Given]
    """Returns what the reference gives for a set."""
    done: list[Fitted] = field(default_factory=list)

    @property
    def course(self) -> Course:
        """Return how DELTA was trained, or else will be."""
        return self.done[0].course if self.done else self._course()

    def fitted(self, number: int, fold: Fold) -> Delta:
        """Return DELTA trained for one fold."""
        seen, course, shape = self._seen(), self.course, self._shape(self._taken().shape[1])
        key = self._key(number) | {"candidate": self.context.candidate_key, "shape": str(shape)}
        limit = self.context.tuning.seconds
        if not self.done and limit is not None:
            course = self._within(limit, seen, course, shape, key)
        place = self.shelf.path("delta", key | {"course": str(course)}, ".pt")
        self.done.append(fit(self._site(place), seen, fold.train, course, shape))
        return self.done[-1].delta

    def alone(self, number: int, fold: Fold) -> Delta:
        """Return the control: heads on the subgraph's means as it was made, trained without the candidate."""
        seen = replace(self._seen(), given=np.zeros((len(self.plan.images), 1), np.float32))
        course = Course("paper", "heads", HEADS_EPOCHS, weights=Weights(0.0, 0.5, 0.0))
        shape = self._shape(1)
        wide = replace(shape, width=min(shape.channels, 64))
        return fit(self._site(self.shelf.path("alone", self._key(number), ".pt")), seen, fold.train, course, wide).delta

    def notes(self, delta: Delta) -> list[Finding]:
        """Return what was taken from earlier runs, and where a limit was not met."""
        notes, most = [], _most(self.context, self.base)
        if self.subgraph.reused:
            seconds = self.subgraph.seconds
            notes.append(told.note("reused", f"the subgraph was made by an earlier run: {seconds:.0f} s saved"))
        saved = sum(each.saved for each in self.done)
        if saved:
            notes.append(told.note("resumed", f"epochs of an earlier run were taken up: {saved:.0f} s saved"))
        if delta.learned() > most:
            notes.append(
                told.note(
                    "budget",
                    f"DELTA has {delta.learned():,} parameters, {delta.learned() / self.base.cost.parameters:.1%} of "
                    f"the reference's, where {self.context.tuning.budget:.1%} were asked for: no smaller one was found",
                )
            )
        wanted, course = self._course(), self.course
        if (course.path, course.epochs) != (wanted.path, wanted.epochs):
            how = "with its subgraph" if course.path == "full" else "of its heads alone"
            notes.append(
                told.note(
                    "hurried",
                    f"to keep to {self.context.tuning.seconds:g} s DELTA was trained for {course.epochs} epochs {how}, "
                    f"not for {wanted.epochs} with its subgraph: recovery may be lower and maps less of this candidate",
                )
            )
        return notes

    def _course(self) -> Course:
        plain = Course(variant=self.context.tuning.variant)
        fewest = min(len(fold.train) for fold in self.plan.folds)
        return replace(plain, epochs=self.context.tuning.epochs or epochs_for(plain, fewest))

    def _within(self, limit: float, seen: Seen, course: Course, shape: Shape, key: Mapping[str, object]) -> Course:
        """Return the course that keeps to some seconds; the one that an earlier run began with, if there is one."""
        place = self.shelf.path("course", {**key, "course": str(course), "seconds": limit}, ".pt")
        kept = recall(place)
        if kept is None:
            fits = [len(fold.train) for fold in self.plan.folds]
            found = affordable(self._site(None), seen, fits, course, shape, limit)
            kept = {"path": found.path, "epochs": found.epochs}
            store(place, kept)
        return replace(course, path=kept["path"], epochs=int(kept["epochs"]))

    def _site(self, resume: Path | None) -> Site:
        module, context = self.subgraph.made.module, self.context
        return Site(module, self.base.scores, self.device, context.seed, context.tell, resume)

    def _taken(self) -> NDArray[np.float32]:
        taken = taken_of(self.context)
        return taken.vetted if taken.training is None else taken.training

    def _seen(self) -> Seen:
        images, key = self.plan.images, self.subgraph.key
        means = means_of(self.subgraph.made.module, self.context, images, key, self.shelf, self.device)
        return Seen(images.pixels, self.given(images).features, self._taken(), means, self.context.normalise)

    def _shape(self, given: int) -> Shape:
        left = _most(self.context, self.base) - self.subgraph.made.cost.parameters
        return shape_within(self.subgraph.made.channels, given, self.base.features, self.context.tuning.variant, left)

    def _key(self, number: int) -> dict[str, object]:
        return {
            "subgraph": self.subgraph.key,
            "vetted": digest_of(self.context.vetted.digests),
            "images": digest_of(self.plan.images.digests),
            "fold": number,
            "folds": len(self.plan.folds),
        }
