"""The one training recipe of the example, alone or beside a teacher."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from architecture import fashion_resnet
from data import MEAN, STD, Images, Labels
from torch import nn

BATCH = 128
PEAK_RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
PADDING = 2
TEMPERATURE = 3.0
TEACHER_WEIGHT = 0.1

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """What one training run is fixed by.

    Attributes:
        initial_seed: Seed of the initial weights.
        order_seed: Seed of the order of the images and of their crops and flips.
        epochs: Passes over the training images.
        low_precision: Whether to compute in bfloat16 where autocast allows it.
    """

    initial_seed: int
    order_seed: int
    epochs: int
    low_precision: bool = True


def initial_model(seed: int) -> nn.Module:
    """Return the network with the initial weights of this seed."""
    torch.manual_seed(seed)
    return fashion_resnet()


def augment(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return normalised images (N, 1, 28, 28), each cropped from a padded copy and flipped half the time.

    Args:
        pixels: Images (N, 32, 32), uint8, already padded by PADDING zeros on each side.
        generator: The source of the offsets and flips.
    """
    count, padded = pixels.shape[0], pixels.shape[1]
    size = padded - 2 * PADDING
    offsets = torch.randint(2 * PADDING + 1, (2, count, 1), generator=generator)
    flips = torch.rand(count, 1, generator=generator) < 0.5
    rows = torch.arange(size) + offsets[0]
    columns = torch.arange(size).expand(count, size)
    columns = torch.where(flips, size - 1 - columns, columns) + offsets[1]
    images = pixels[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    normal = ((images.float() / 255 - MEAN) / STD).unsqueeze(1)
    return normal.contiguous(memory_format=torch.channels_last)


def batches(pixels: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> Iterator[list[torch.Tensor]]:
    """Yield one epoch of augmented images (BATCH, 1, 28, 28) and labels (BATCH,), the rest dropped."""
    order = torch.randperm(len(labels), generator=generator)
    for start in range(0, len(order) - BATCH + 1, BATCH):
        chosen = order[start : start + BATCH]
        yield [augment(pixels[chosen], generator), labels[chosen]]


def distillation_loss(logits: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the loss of Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015).

    The soft term is multiplied by the squared temperature, as in their section 2.

    Args:
        logits: Logits of the network in training (N, 10).
        teacher: Logits of the teacher for the same augmented images (N, 10).
        labels: Classes (N,).
    """
    soft = nn.functional.kl_div(
        torch.log_softmax(logits / TEMPERATURE, dim=1),
        torch.log_softmax(teacher / TEMPERATURE, dim=1),
        reduction="batchmean",
        log_target=True,
    )
    hard = nn.functional.cross_entropy(logits, labels)
    return TEACHER_WEIGHT * TEMPERATURE**2 * soft + (1 - TEACHER_WEIGHT) * hard


def loss_of(
    model: nn.Module, teacher: nn.Module | None, image: torch.Tensor, label: torch.Tensor, low_precision: bool
) -> torch.Tensor:
    """Return the loss of one batch, from the labels alone or beside a teacher."""
    with torch.autocast("cpu", torch.bfloat16, enabled=low_precision):
        logits = model(image)
        with torch.no_grad():
            taught = None if teacher is None else teacher(image)
    if taught is None:
        return nn.functional.cross_entropy(logits.float(), label)
    return distillation_loss(logits.float(), taught.float(), label)


def train(
    images: Images,
    targets: Labels,
    recipe: Recipe,
    progress: Progress,
    teacher: nn.Module | None = None,
    after: Callable[[int, nn.Module], None] | None = None,
) -> tuple[nn.Module, float]:
    """Return a trained network in eval mode and the seconds its training took.

    SGD with Nesterov momentum under one cycle of the learning rate.

    Args:
        images: Training images (N, 28, 28), uint8.
        targets: Their classes (N,).
        recipe: Seeds and epochs.
        progress: Called with one line after every epoch.
        teacher: A trained network to distil from; None trains on the labels alone.
        after: Called with the number of epochs and the network in eval mode after every epoch.
    """
    model = initial_model(recipe.initial_seed)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(recipe.order_seed)
    pixels = nn.functional.pad(torch.from_numpy(images.copy()), (PADDING,) * 4)
    labels = torch.from_numpy(targets)
    optimiser = torch.optim.SGD(
        model.parameters(), PEAK_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True
    )
    steps = recipe.epochs * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps)
    begin = time.perf_counter()
    for epoch in range(recipe.epochs):
        model.train()
        total = torch.zeros((), dtype=torch.float64)
        for image, label in batches(pixels, labels, generator):
            loss = loss_of(model, teacher, image, label, recipe.low_precision)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += loss.detach().double()
        mean = total.item() / (len(labels) // BATCH)
        seconds = time.perf_counter() - begin
        progress(f"epoch {epoch + 1} of {recipe.epochs}: loss {mean:.4f}, {seconds:.0f} s")
        if after is not None:
            after(epoch + 1, model.eval())
    model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return model.eval(), time.perf_counter() - begin
