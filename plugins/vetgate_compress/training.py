"""The one training loop of the compressors that train."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vetgate.api import Bench, Card, Inconclusive, TrainingSet, UsageError, WorkerFailed
from vetgate_compress.course import Course

Loss: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""(logits (N, C) of the module in training, the images that it saw, labels (N,)) -> mean loss of the batch."""
_LEAST: Final = 1e-30
"""Probabilities are not taken smaller before their logarithm is taken; float32 holds numbers down to 1e-38."""


def train(
    module: nn.Module, bench: Bench, images: TrainingSet, course: Course, loss: Loss, still: Collection[nn.Module] = ()
) -> float:
    """Train a module and return the seconds that took; it is left in eval mode, on the CPU.

    SGD with Nesterov momentum under one cycle of learning rate and momentum (Smith and Topin, "Super-Convergence",
    2018; momentum runs from 0.95 to 0.85 and back). Each epoch drops the images that fill no whole batch. The same
    seed on the same machine with as many threads gives the same weights.

    Args:
        module: Its parameters that require gradients are changed.
        bench: Gives seed, threads, card and normalisation, and is told of each step.
        images: What to train on.
        course: How.
        loss: What is minimised.
        still: Parts that stay in eval mode, so that their statistics do not move.

    Raises:
        UsageError: There are too few images.
        Inconclusive: The module does not return one tensor while it trains.
        WorkerFailed: The training diverges, with the epoch.
    """
    if course.epochs == 0:
        return 0.0
    if len(images) < 2:
        raise UsageError(f"there are {len(images)} training images, too few to train on")
    torch.set_num_threads(bench.threads)
    begin = time.perf_counter()
    devices = [torch.cuda.current_device()] if course.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.backends.cudnn.flags(benchmark=False, deterministic=True):
        torch.manual_seed(bench.seed)  # of dropout
        module.to(course.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        _descend(module, bench, images, course, loss, still)
    module.to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    module.eval()
    return time.perf_counter() - begin


def _descend(
    module: nn.Module, bench: Bench, images: TrainingSet, course: Course, loss: Loss, still: Collection[nn.Module]
) -> None:
    generator = np.random.default_rng(bench.seed)
    steps = len(images) // min(course.batch, len(images))
    learned = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(
        learned, course.learning_rate, momentum=0.9, weight_decay=course.weight_decay, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, course.learning_rate, total_steps=course.epochs * steps)
    module.train()
    for part in still:
        part.training = False  # not eval(), which would reach the parts inside, too
    what = f"epoch 1 of {course.epochs}"
    for epoch in range(course.epochs):
        total = 0.0
        for step, (batch, labels) in enumerate(batches(bench, images, course, generator)):
            bench.tell(what, epoch * steps + step, course.epochs * steps)
            with torch.autocast(course.device.type, torch.bfloat16, enabled=course.bfloat16):
                outputs = module(batch)
            value = loss(as_logits(outputs, bench.card), batch, labels)
            total += _finite(value.item(), epoch, course)
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        what = f"epoch {min(epoch + 2, course.epochs)} of {course.epochs}, loss {total / steps:.4f}"
    bench.tell(what, course.epochs * steps, course.epochs * steps)
    _refuse_diverged(module, course)


def batches(
    bench: Bench, images: TrainingSet, course: Course, generator: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield one epoch in a random order: images as the model takes them, and labels (N,) as columns of its output.

    Without labels all of them are -1.
    """
    size = min(course.batch, len(images))
    order = generator.permutation(len(images))
    for start in range(0, len(order) - size + 1, size):
        # in the order of the file, which may be mapped from a disk
        chosen = np.sort(order[start : start + size])
        pixels = images.pixels[chosen]
        batch = torch.from_numpy(bench.normalise(crop_and_flip(pixels, generator) if course.crop_flip else pixels))
        if bench.card.input.layout == "NCHW":
            batch = batch.contiguous(memory_format=torch.channels_last)
        labels = np.full(size, -1) if images.labels is None else images.labels[chosen] + bench.card.output.offset
        yield batch.to(course.device), torch.from_numpy(labels).to(course.device)


def crop_and_flip(pixels: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return images (N, H, W, C), each cropped at random from a padded copy and mirrored half the time.

    Args:
        pixels: (N, H, W, C); black pixels, an eighth of the side, are put around them.
        generator: The source of offsets and flips.
    """
    count, height, width = pixels.shape[:3]
    above, before = height // 8, width // 8
    padded = np.pad(pixels, ((0, 0), (above, above), (before, before), (0, 0)))
    rows = np.arange(height) + generator.integers(2 * above + 1, size=(count, 1))
    columns = np.where(generator.random((count, 1)) < 0.5, np.arange(width)[::-1], np.arange(width))
    columns = columns + generator.integers(2 * before + 1, size=(count, 1))
    cut: NDArray[np.uint8] = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return cut


def as_logits(outputs: object, card: Card) -> torch.Tensor:
    """Return what a module gave as float32 logits (N, C); of probabilities their logarithms, which are logits, too.

    Raises:
        Inconclusive: It gave several things.
    """
    if not isinstance(outputs, torch.Tensor):
        raise Inconclusive(
            f"the model returns a {type(outputs).__name__} while it trains, where class scores alone are expected",
            hint="name an architecture without auxiliary outputs",
        )
    scores = outputs.float()
    return scores.clamp_min(_LEAST).log() if card.output.kind == "probabilities" else scores


def check_labels(images: TrainingSet, classes: int, card: Card) -> None:
    """See that every image has a label that the model knows.

    Args:
        images: The training images.
        classes: Columns of the model's output.
        card: Says how many leading columns are no class of the data.

    Raises:
        UsageError: There are no labels, or one is out of range.
    """
    if images.labels is None:
        raise UsageError(
            "the training images have no labels, and this training learns from them",
            hint="give training images with labels",
        )
    known = classes - card.output.offset
    wrong = images.labels[(images.labels < 0) | (images.labels >= known)]
    if len(wrong):
        raise UsageError(
            f"{len(wrong):,} of {len(images):,} training images have a label that is no class of the model, such as"
            f" {wrong[0]}; it has {known} classes"
        )


def count_classes(module: nn.Module, bench: Bench) -> int:
    """Return how many columns the module's output has, asked with two blank images."""
    with torch.no_grad():
        return as_logits(module(blank_images(bench)), bench.card).shape[1]


def blank_images(bench: Bench) -> torch.Tensor:
    """Return two black images as the model takes them."""
    shape = (2, *bench.card.input.size, bench.card.input.channels)
    return torch.from_numpy(bench.normalise(np.zeros(shape, np.uint8)))


def refuse_misfit(whose: str, other: nn.Module, module: nn.Module) -> None:
    """Compare the tensors of two modules by name and shape.

    Args:
        whose: What the other one is, such as `donor`.
        other: The module that was given besides the reference.
        module: The reference.

    Raises:
        UsageError: They are not of one architecture; names the first tensor that differs.
    """
    theirs, ours = other.state_dict(), module.state_dict()
    for name, value in ours.items():
        if name not in theirs:
            raise _misfit(whose, f"it lacks {name}")
        if theirs[name].shape != value.shape:
            raise _misfit(whose, f"{name} is {_shape(theirs[name])}, where the reference has {_shape(value)}")
    excess = next((name for name in theirs if name not in ours), None)
    if excess is not None:
        raise _misfit(whose, f"it has {excess}, which the reference lacks")


def _misfit(whose: str, why: str) -> UsageError:
    return UsageError(f"the {whose} is not of the reference's architecture: {why}")


def _shape(value: torch.Tensor) -> str:
    return " x ".join(map(str, value.shape)) or "a single number"


def _finite(value: float, epoch: int, course: Course) -> float:
    if not np.isfinite(value):
        raise _diverged(f"in epoch {epoch + 1} of {course.epochs}: the loss is {value}")
    return value


def _refuse_diverged(module: nn.Module, course: Course) -> None:
    for name, value in module.state_dict().items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise _diverged(f"in epoch {course.epochs} of {course.epochs}: {name} is no longer finite")


def _diverged(how: str) -> WorkerFailed:
    return WorkerFailed(f"the training diverged {how}", hint="set a lower learning_rate")
