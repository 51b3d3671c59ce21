"""Fine-tuning the subgraph: a classifier of its own on its map, trained with augmented images and smoothed labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vetgate.api import WorkerFailed
from vetgate_delta.augment import augment
from vetgate_delta.precision import mixed
from vetgate_delta.state import Progress

STAGE: Final = "fine-tuning"
LEAST_STEPS: Final = 1_500
"""Of a training that nobody set the length of: few images are seen more often."""
MOST_OFTEN: Final = 4
"""Times as many epochs as otherwise, at most."""


@dataclass(frozen=True)
class Course:
    """SGD with Nesterov momentum under one cycle of the learning rate (Smith and Topin, "Super-Convergence", 2018)."""

    epochs: int = 30
    batch: int = 128
    learning_rate: float = 0.1
    """At the peak."""
    weight_decay: float = 5e-4
    smoothing: float = 0.1
    """Of labels, in [0, 1)."""


def course_for(images: int, epochs: int | None = None) -> Course:
    """Return how a subgraph is fine-tuned on so many images: as long as asked, else with few images for more epochs."""
    course = Course()
    if epochs is not None:
        return replace(course, epochs=epochs)
    steps = max(images // course.batch, 1)
    wanted = math.ceil(LEAST_STEPS / steps)
    return replace(course, epochs=min(max(course.epochs, wanted), MOST_OFTEN * course.epochs))


class Classifier(nn.Module):
    """A map, its mean over positions, and one linear layer."""

    def __init__(self, trunk: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.linear = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, classes) of images."""
        logits: Tensor = self.linear(self.trunk(images).mean(dim=(2, 3)))
        return logits


@dataclass(frozen=True)
class Lesson:
    """What is learned."""

    pixels: NDArray[np.uint8]
    """(N, H, W, 1 or 3)."""
    labels: NDArray[np.int64]
    """(N,)."""
    normalise: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    tell: Callable[[str, int, int], None]
    seed: int
    device: torch.device


def fine_tune(model: Classifier, lesson: Lesson, course: Course, progress: Progress) -> None:
    """Train a model in place and leave it in eval mode on the CPU.

    Each epoch draws its order and its augmentation from the seed and its number, and is kept when it is done: a killed
    run goes on after its last whole epoch and ends on the same weights, bit for bit on the CPU with as many threads.

    Raises:
        WorkerFailed: The training diverges.
    """
    size = min(course.batch, len(lesson.labels))
    steps = len(lesson.labels) // size
    model.to(lesson.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(
        model.parameters(), course.learning_rate, momentum=0.9, weight_decay=course.weight_decay, nesterov=True
    )
    total = max(course.epochs * steps, 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, course.learning_rate, total_steps=total)
    first = _take_up(progress[STAGE], model, optimiser, schedule)
    loss = nn.CrossEntropyLoss(label_smoothing=course.smoothing)
    for epoch in range(first, course.epochs):
        model.train()
        generator = np.random.default_rng([lesson.seed, 2, epoch])
        order = generator.permutation(len(lesson.labels))
        for step in range(steps):
            lesson.tell(f"fine-tune the subgraph, epoch {epoch + 1} of {course.epochs}", epoch * steps + step, total)
            rows = np.sort(order[step * size : (step + 1) * size])
            images = torch.from_numpy(lesson.normalise(augment(lesson.pixels[rows], generator))).to(lesson.device)
            with mixed(lesson.device):
                logits = model(images)
            value = loss(logits.float(), torch.from_numpy(lesson.labels[rows]).to(lesson.device))
            _refuse_diverged(value, epoch, course)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            schedule.step()
        progress.keep(STAGE, _reached(epoch + 1, model, optimiser, schedule))
    lesson.tell(f"fine-tune the subgraph, epoch {course.epochs} of {course.epochs}", total, total)
    model.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]


def _reached(epoch: int, model: nn.Module, optimiser: torch.optim.Optimizer, schedule: Any) -> dict[str, Any]:  # noqa: ANN401  # torch's schedulers share no public type
    return {
        "epoch": epoch,
        "model": {name: value.detach().cpu().clone() for name, value in model.state_dict().items()},
        "optimiser": optimiser.state_dict(),
        "schedule": {
            name: value for name, value in schedule.state_dict().items() if isinstance(value, (int, float, list, bool))
        },
    }


def _take_up(kept: dict[str, Any] | None, model: nn.Module, optimiser: torch.optim.Optimizer, schedule: Any) -> int:  # noqa: ANN401  # as above
    if kept is None:
        return 0
    model.load_state_dict(kept["model"])
    optimiser.load_state_dict(kept["optimiser"])
    schedule.load_state_dict(kept["schedule"])
    return int(kept["epoch"])


def _refuse_diverged(value: Tensor, epoch: int, course: Course) -> None:
    if not math.isfinite(value.item()):
        raise WorkerFailed(
            f"fine-tuning of the subgraph diverged in epoch {epoch + 1} of {course.epochs}: the loss is {value.item()}"
        )
