"""Training of DELTA beside one candidate: with its subgraph, or of the heads alone on the subgraph's stored means.

The reference's and the candidate's features were computed once and are not augmented; an epoch costs the subgraph's
forward and backward pass. Every epoch is drawn from the seed and its own number alone, so that a run which was killed
goes on from its last whole epoch to the same result.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vetgate.api import Inconclusive, WorkerFailed
from vetgate_delta.loss import Weights, total_loss
from vetgate_delta.network import Delta, Shape, Variant, resizer
from vetgate_delta.precision import mixed
from vetgate_delta.ridge import fit_ridge
from vetgate_delta.state import recall, store

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

AT_ONCE = 256
"""Images of one forward pass."""
_TIMED = 4


@dataclass(frozen=True)
class Course:
    """How DELTA is trained."""

    variant: Variant = "residual"
    path: Literal["full", "heads"] = "full"
    """With the subgraph, or of the heads alone on its stored means."""
    epochs: int = 5
    rate: float = 2e-3
    decay: float = 1e-4
    batch: int = 128
    weights: Weights = field(default_factory=Weights)


HEADS_EPOCHS = 30
"""Of the heads alone, where nobody said how many."""
LEAST_STEPS = 400
"""Of a training with its subgraph, where nobody said how many epochs: few images are seen more often."""
MOST_OFTEN = 5
"""Times as many epochs as otherwise, at most."""


def epochs_for(course: Course, images: int) -> int:
    """Return the epochs of a training on so many images where nobody said how many."""
    wanted = math.ceil(LEAST_STEPS / _steps(images, course.batch))
    return min(max(course.epochs, wanted), MOST_OFTEN * course.epochs)


@dataclass(frozen=True)
class Seen:
    """Images of one set with what both models gave for them."""

    pixels: NDArray[np.uint8]
    """(N, H, W, 1 or 3)."""
    reference: NDArray[np.float32]
    """F_B (N, D_B)."""
    given: NDArray[np.float32]
    """e (N, C_E)."""
    means: NDArray[np.float32]
    """(N, C_S) of the subgraph's map over positions, before DELTA's training."""
    normalise: Callable[[NDArray[np.uint8]], NDArray[np.float32]]

    def images(self, rows: NDArray[np.intp], device: torch.device) -> Tensor:
        """Return images (n, C, H, W) as the reference takes them."""
        batch = torch.from_numpy(self.normalise(np.asarray(self.pixels[rows])))
        return batch.to(device).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Site:
    """Where and with what DELTA is trained."""

    subgraph: nn.Module
    head: nn.Module
    device: torch.device
    seed: int
    tell: Callable[[str, int, int], None]
    resume: Path | None = None
    """File of whole epochs; None keeps none."""


@dataclass(frozen=True)
class Fitted:
    """DELTA after training, in eval mode."""

    delta: Delta
    course: Course
    saved: float
    """Seconds that epochs took which were found in the file of whole epochs."""


def build(site: Site, seen: Seen, rows: NDArray[np.intp], course: Course, shape: Shape) -> Delta:
    """Return DELTA before training; what is fixed of it is fitted to the training rows."""
    if len(rows) < 2:
        raise Inconclusive(
            f"too few images to train DELTA on: {len(rows)}", hint="give training images: --train-data PATH"
        )
    given, reference = torch.from_numpy(seen.given[rows]), torch.from_numpy(seen.reference[rows])
    resize = resizer(given, reference)
    ridge = None
    if course.variant == "residual":
        ridge = fit_ridge(seen.given[rows], (2 * reference - resize(given)).numpy())
    size = float(given.double().square().mean().sqrt())
    with torch.random.fork_rng([]):
        torch.manual_seed(site.seed)
        delta = Delta(copy.deepcopy(site.subgraph), copy.deepcopy(site.head), shape, resize, size, ridge)
    delta.subgraph.requires_grad_(course.path == "full")
    return delta.to(site.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def fit(site: Site, seen: Seen, rows: NDArray[np.intp], course: Course, shape: Shape) -> Fitted:
    """Return DELTA trained on some rows of one set; the same seed on the same machine gives the same weights.

    Args:
        site: Subgraph, classifier, device, seed.
        seen: The images.
        rows: Of those to train on; nothing else of `seen` is looked at.
        course: How.
        shape: Sizes of the heads.

    Raises:
        Inconclusive: There are fewer than two images.
        WorkerFailed: The training diverges, with the epoch.
    """
    delta = build(site, seen, rows, course, shape)
    run = _Run(delta, site, seen, rows, course)
    first, saved = run.restore()
    begin = time.perf_counter() - saved
    delta.train()
    for epoch in range(first, course.epochs):
        run.epoch(epoch)
        run.keep(epoch + 1, time.perf_counter() - begin)
    site.tell("training DELTA", course.epochs * run.steps, course.epochs * run.steps)
    return Fitted(delta.eval(), course, saved)


def affordable(site: Site, seen: Seen, fits: list[int], course: Course, shape: Shape, seconds: float) -> Course:
    """Return a course that is likely to end within some seconds: fewer epochs, or the heads alone.

    Args:
        site: As for `fit`.
        seen: As for `fit`.
        fits: Number of training images of each fit to come.
        course: What would be done with time enough.
        shape: Sizes of the heads.
        seconds: Of all fits together.
    """
    steps = sum(_steps(count, course.batch) for count in fits)
    rows = np.arange(min(course.batch, len(seen.reference)))
    if course.path == "full":
        possible = int(seconds / (steps * _seconds_of_step(site, seen, rows, course, shape)))
        if possible >= 1:
            return replace(course, epochs=min(course.epochs, possible))
        course = replace(course, path="heads", epochs=HEADS_EPOCHS)
    possible = int(seconds / (steps * _seconds_of_step(site, seen, rows, course, shape)))
    return replace(course, epochs=max(1, min(course.epochs, possible)))


def _seconds_of_step(site: Site, seen: Seen, rows: NDArray[np.intp], course: Course, shape: Shape) -> float:
    """Return how long a step of training takes, its first two left out of the measure."""
    delta = build(site, seen, rows, course, shape).train()
    run = _Run(delta, site, seen, rows, replace(course, epochs=_TIMED + 2))
    times = []
    for _ in range(_TIMED + 2):
        begin = time.perf_counter()
        run.step(rows)
        if site.device.type == "cuda":
            torch.cuda.synchronize(site.device)
        times.append(time.perf_counter() - begin)
    return max(float(np.mean(times[2:])), 1e-6)


def _steps(count: int, batch: int) -> int:
    return max(count // batch, 1)


class _Run:
    """One training as it goes."""

    def __init__(self, delta: Delta, site: Site, seen: Seen, rows: NDArray[np.intp], course: Course) -> None:
        self.delta, self.site, self.seen, self.rows, self.course = delta, site, seen, rows, course
        self.steps = _steps(len(rows), course.batch)
        learned = [parameter for parameter in delta.parameters() if parameter.requires_grad]
        self.optimiser: Optimizer = torch.optim.AdamW(learned, course.rate, weight_decay=course.decay)
        self.schedule: LRScheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, course.rate, total_steps=max(course.epochs * self.steps, 2)
        )

    def epoch(self, number: int) -> None:
        """Train one epoch."""
        total = 0.0
        for at, rows in enumerate(self._batches(number)):
            self.site.tell("training DELTA", number * self.steps + at, self.course.epochs * self.steps)
            total += self.step(rows)
        if not np.isfinite(total):
            raise WorkerFailed(f"DELTA's training diverged in epoch {number + 1} of {self.course.epochs}")

    def step(self, rows: NDArray[np.intp]) -> float:
        """Train on one batch and return its loss."""
        device, full = self.site.device, self.course.path == "full"
        given = torch.from_numpy(self.seen.given[rows]).to(device)
        reference = torch.from_numpy(self.seen.reference[rows]).to(device)
        loss = total_loss(
            self.delta.disparity(self._pooled(rows), given),
            self.delta.resize(given),
            reference,
            self.delta.subgraph if full else None,
            self.course.weights,
        )
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()
        return loss.item()

    def _pooled(self, rows: NDArray[np.intp]) -> Tensor:
        device = self.site.device
        if self.course.path == "heads":
            return self.delta.attention.pooled(torch.from_numpy(self.seen.means[rows]).to(device))
        images = self.seen.images(rows, device)
        with mixed(device):
            maps = self.delta.subgraph(images)
        return self.delta.attention.pooled(maps.float().mean(dim=(2, 3)))

    def _batches(self, epoch: int) -> Iterator[NDArray[np.intp]]:
        """Yield the rows of each batch; those that fill no whole batch wait for another epoch."""
        order = np.random.default_rng((self.site.seed, epoch)).permutation(self.rows)
        size = min(self.course.batch, len(order))
        for at in range(self.steps):
            yield np.sort(order[at * size : (at + 1) * size])

    def keep(self, epochs: int, seconds: float) -> None:
        """Write everything that the rest of the training depends on, whole or not at all."""
        if self.site.resume is None or (self.course.path == "heads" and epochs < self.course.epochs):
            return
        state = {name: value for name, value in self.delta.state_dict().items() if not name.startswith("head.")}
        store(
            self.site.resume,
            {
                "epochs": epochs,
                "seconds": seconds,
                "delta": state,
                "optimiser": self.optimiser.state_dict(),
                "schedule": self.schedule.state_dict(),
            },
        )

    def restore(self) -> tuple[int, float]:
        """Return the whole epochs that are done and the seconds they took, and take up their weights."""
        kept = recall(self.site.resume) if self.site.resume is not None else None
        if kept is None or kept["epochs"] > self.course.epochs:
            return 0, 0.0
        self.delta.load_state_dict(kept["delta"], strict=False)
        self.optimiser.load_state_dict(kept["optimiser"])
        self.schedule.load_state_dict(kept["schedule"])
        return int(kept["epochs"]), float(kept["seconds"])
