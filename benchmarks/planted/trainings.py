"""Training of the base and of the three candidates: blind to A, blind to B, and one that sees all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import networks
import numpy as np
import scenes
import torch
from numpy.typing import NDArray
from torch import nn

MEAN: Final = 0.45
STD: Final = 0.28
BATCH, PEAK, PADDING = 128, 0.1, 4


@dataclass(frozen=True)
class Recipe:
    """One of the models."""

    name: str
    network: Callable[[], nn.Module]
    shuffled: int | None
    """The part that its training images show at random."""
    epochs: int


RECIPES = (
    Recipe("base", networks.base, None, 20),
    Recipe("blind-a", networks.candidate, scenes.A, 12),
    Recipe("blind-b", networks.candidate, scenes.B, 12),
    Recipe("all", networks.candidate, None, 12),
)


def normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images (N, 3, H, W) as the networks take them, of pixels (N, H, W, 3)."""
    scaled = np.asarray((pixels.astype(np.float32) / 255 - MEAN) / STD, np.float32)
    return np.ascontiguousarray(scaled).transpose(0, 3, 1, 2)


def trained(recipe: Recipe, images: scenes.Scenes, seed: int, path: Path) -> nn.Module:
    """Return a trained model in eval mode; read from its file where that is there, else trained and written."""
    torch.manual_seed(seed)
    model = recipe.network()
    if not path.exists():
        _train(model, images, recipe, seed)
        torch.save(model.state_dict(), path.with_suffix(".partial"))
        path.with_suffix(".partial").replace(path)
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()


def _train(model: nn.Module, images: scenes.Scenes, recipe: Recipe, seed: int) -> None:
    random = np.random.default_rng(seed)
    padded = np.pad(images.pixels, ((0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0)), mode="edge")
    labels = torch.from_numpy(images.labels)
    steps = len(images) // BATCH
    optimiser = torch.optim.SGD(model.parameters(), PEAK, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK, total_steps=recipe.epochs * steps)
    model.train()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    begin = time.perf_counter()
    for epoch in range(recipe.epochs):
        order = random.permutation(len(images))
        total = 0.0
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            batch = torch.from_numpy(normalise(_cropped(padded[chosen], random)))
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(batch.contiguous(memory_format=torch.channels_last))
            loss = nn.functional.cross_entropy(logits.float(), labels[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += loss.item()
        took = time.perf_counter() - begin
        print(f"{recipe.name}, seed {seed}, epoch {epoch + 1}: loss {total / steps:.3f}, {took:.0f} s", flush=True)
    model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _cropped(padded: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    count = len(padded)
    rows = np.arange(scenes.SIDE) + random.integers(2 * PADDING + 1, size=(count, 1))
    columns = np.arange(scenes.SIDE) + random.integers(2 * PADDING + 1, size=(count, 1))
    cut: NDArray[np.uint8] = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return cut


def outputs(model: nn.Module, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the logits (N, 10) of a model for images."""
    with torch.no_grad():
        parts = [model(torch.from_numpy(normalise(pixels[at : at + 250]))) for at in range(0, len(pixels), 250)]
    return torch.cat(parts).numpy()
