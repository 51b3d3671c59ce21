"""Train the models of the CIFAR-10 study: the reference, and independents with their checkpoints.

    python benchmarks/cifar/train.py cifar10-jpeg.zip OUT

OUT gets train.npz (20,000 images), test.npz (10,000), reference.pt, initial.pt (the weights that it started from) and
independentN-EPOCH.pt, each model with its card. About eight minutes a training on two cores.
"""

from __future__ import annotations

import argparse
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from resnet import resnet20
from torch import nn

EPOCHS, CHECKPOINTS = 15, (3, 8, 15)
IMAGES = 20_000
BATCH, PEAK, MOMENTUM, DECAY, PADDING = 128, 0.1, 0.9, 5e-4, 4
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)
CARD = """\
version: 1
input: {{size: [32, 32], resize: none, crop: none, colour: rgb, scale: 1/255, mean: {mean}, std: {std}, layout: NCHW}}
output: {{kind: logits, classes: {classes}}}
training: {{seconds: {seconds:.0f}, epochs: {epochs}, images: {images}}}
"""


def read(archive: Path, split: str, most: int | None) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[str]]:
    """Return images (N, 32, 32, 3), labels (N,) and class names of a split; `most` drawn at random with seed 0."""
    with zipfile.ZipFile(archive) as file:
        names = sorted(name for name in file.namelist() if f"{split}/" in name and name.endswith(".jpg"))
        if most is not None:
            names = [names[place] for place in np.random.default_rng(0).permutation(len(names))[:most]]
        classes = sorted({name.split("/")[-2] for name in names})
        images = np.stack([np.asarray(Image.open(io.BytesIO(file.read(name))).convert("RGB")) for name in names])
    return images, np.array([classes.index(name.split("/")[-2]) for name in names]), classes


def augment(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return normalised images (N, 3, 32, 32), cropped from padded ones (N, 40, 40, 3) and flipped half the time."""
    count, size = len(pixels), pixels.shape[1] - 2 * PADDING
    offsets = torch.randint(2 * PADDING + 1, (2, count, 1), generator=generator)
    flips = torch.rand(count, 1, generator=generator) < 0.5
    columns = torch.arange(size).expand(count, size)
    columns = torch.where(flips, size - 1 - columns, columns) + offsets[1]
    rows = torch.arange(size) + offsets[0]
    images = pixels[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]].float()
    return ((images / 255 - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)


def card_text(classes: list[str], seconds: float, epochs: int) -> str:
    """Return the card of a model that was trained for so long."""
    return CARD.format(mean=list(MEAN), std=list(STD), classes=classes, seconds=seconds, epochs=epochs, images=IMAGES)


class Keeper:
    """Writes the checkpoints of one training, each with its card."""

    def __init__(self, folder: Path, seed: int, classes: list[str]) -> None:
        self._folder, self._seed, self._classes = folder, seed, classes
        self._begin = time.perf_counter()

    def __call__(self, epoch: int, model: nn.Module) -> None:
        """Write the model after this many epochs, where it is to be kept."""
        if epoch not in CHECKPOINTS and (epoch or self._seed):
            return
        path = self._folder / f"{self._name(epoch)}.pt"
        state = {key: value.clone(memory_format=torch.contiguous_format) for key, value in model.state_dict().items()}
        torch.save(state, path)
        seconds = max(time.perf_counter() - self._begin, 1.0)
        path.with_name(f"{path.name}.yaml").write_text(card_text(self._classes, seconds, max(epoch, 1)))

    def _name(self, epoch: int) -> str:
        if self._seed:
            return f"independent{self._seed}-{epoch:02}"
        return {0: "initial", EPOCHS: "reference"}.get(epoch, f"reference-{epoch:02}")


Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Logits (N, 10), images (N, 3, 32, 32) and labels (N,) to a number."""


def plain_loss(logits: torch.Tensor, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of logits (N, 10)."""
    return nn.functional.cross_entropy(logits, labels)


def train(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    seed: int,
    after: Callable[[int, nn.Module], None],
    network: Callable[[], nn.Module] = resnet20,
    loss_of: Loss = plain_loss,
) -> None:
    """Train a network from the weights and in the order of a seed, by SGD under one cycle."""
    torch.manual_seed(seed)
    model = network()
    after(0, model)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(seed)
    pixels = nn.functional.pad(torch.from_numpy(images).permute(0, 3, 1, 2), (PADDING,) * 4).permute(0, 2, 3, 1)
    targets = torch.from_numpy(labels)
    optimiser = torch.optim.SGD(model.parameters(), PEAK, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True)
    steps = len(targets) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK, total_steps=EPOCHS * steps)
    begin = time.perf_counter()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(targets), generator=generator)
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            batch = augment(pixels[chosen], generator).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(batch)
            loss = loss_of(logits.float(), batch, targets[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        print(
            f"seed {seed}, epoch {epoch + 1}: loss {loss.item():.3f}, {time.perf_counter() - begin:.0f} s", flush=True
        )
        after(epoch + 1, model.eval())


def main() -> None:
    """Write the data and train the models that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("archive", type=Path, help="train|test/CLASS/*.jpg")
    parser.add_argument("output", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3], help="0 is the reference")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    out: Path = arguments.output
    out.mkdir(parents=True, exist_ok=True)
    images, labels, classes = read(arguments.archive, "train", IMAGES)
    for name, part in (("train", (images, labels, classes)), ("test", read(arguments.archive, "test", None))):
        if not (out / f"{name}.npz").exists():
            np.savez(out / f"{name}.npz", images=part[0], labels=part[1], classes=np.array(part[2]))

    for seed in arguments.seeds:
        train(images, labels, seed, Keeper(out, seed, classes))


if __name__ == "__main__":
    main()
