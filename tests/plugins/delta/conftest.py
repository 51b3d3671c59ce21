"""A planted truth in small: images with a glyph (part A) and stripes (part B), a base, and candidates blind to one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vetgate.api import CandidateSeen, Card, ImageSet, Input, Output, TrainerContext, Tuning

SIDE, PART, CLASSES = 24, 8, 4
MEAN, STD = 0.5, 0.25


@dataclass(frozen=True)
class Scenes:
    """Images with what they show."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    corners: NDArray[np.int64]
    """(N, 2, 2) of part A and part B; -1 where it is not shown."""

    def on(self, part: int, rows: NDArray[np.intp], maps: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return whether the maximum of each map (n, H, W) lies on a part."""
        at = maps.reshape(len(maps), -1).argmax(axis=1)
        places = np.stack([at // SIDE, at % SIDE], axis=1) - self.corners[rows, part]
        hits: NDArray[np.bool_] = ((places >= 0) & (places < PART)).all(axis=1) & (self.corners[rows, part, 0] >= 0)
        return hits


def glyphs() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rows, columns = np.mgrid[:PART, :PART]
    ring = (rows % 7 == 0) | (columns % 7 == 0)
    a = [ring, (abs(rows - 3.5) < 1) | (abs(columns - 3.5) < 1), (rows == columns) | (rows + columns == 7)]
    a.append((rows - 3.5) ** 2 + (columns - 3.5) ** 2 < 9)
    b = [rows % 4 < 2, columns % 4 < 2, (rows + columns) % 4 < 2, (rows // 2 + columns // 2) % 2 == 0]
    return np.stack(a).astype(np.float32), np.stack(b).astype(np.float32)


def draw(count: int, seed: int, shuffled: int | None = None) -> Scenes:
    """Return images; `shuffled` is a part that shows a random class, so that a model learns to look away from it."""
    random = np.random.default_rng(seed)
    pixels = random.normal(90, 30, (count, SIDE, SIDE, 3))
    labels, corners = random.integers(CLASSES, size=count), np.full((count, 2, 2), -1)
    parts = glyphs()
    for index in range(count):
        kinds = (
            ((0,), (1,), (0, 1))[random.integers(3)]
            if shuffled is None
            else ((1 - shuffled,), (0, 1))[int(random.random() < 0.7)]
        )
        while True:
            places = random.integers(SIDE - PART + 1, size=(2, 2))
            if abs(places[0] - places[1]).max() >= PART:
                break
        for kind in kinds:
            which = int(random.integers(CLASSES)) if kind == shuffled else int(labels[index])
            top, left = places[kind]
            pixels[index, top : top + PART, left : left + PART] += 110 * parts[kind][which][:, :, None]
            corners[index, kind] = places[kind]
    return Scenes(np.clip(pixels, 0, 255).astype(np.uint8), labels, corners)


def normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray(((pixels.astype(np.float32) / 255 - MEAN) / STD).transpose(0, 3, 1, 2))


class Small(torch.nn.Module):
    """Convolutions, pooling, and one linear layer."""

    def __init__(self, widths: tuple[int, ...], strides: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[Any] = []
        channels = 3
        for width, stride in zip(widths, strides, strict=True):
            layers += [
                torch.nn.Conv2d(channels, width, 3, stride, padding=1, bias=False),
                torch.nn.BatchNorm2d(width),
                torch.nn.ReLU(),
            ]
            channels = width
        self.features = torch.nn.Sequential(*layers)
        self.pool = torch.nn.AdaptiveAvgPool2d(1)
        self.classifier = torch.nn.Linear(channels, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(torch.flatten(self.pool(self.features(images)), 1))
        return logits


def base() -> Small:
    return Small((12, 24, 24, 32), (1, 2, 1, 2))


def trained(module: Small, scenes: Scenes, seed: int, epochs: int) -> Small:
    generator = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(module.parameters(), 4e-3)
    steps = len(scenes.labels) // 64
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=epochs * steps)
    module.train()
    for _ in range(epochs):
        order = generator.permutation(len(scenes.labels))
        for at in range(steps):
            rows = order[at * 64 : (at + 1) * 64]
            logits = module(torch.from_numpy(normalise(scenes.pixels[rows])))
            loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(scenes.labels[rows]))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    module.eval()
    return module


@dataclass(frozen=True)
class Tiny:
    """Models and images; `context` is what a check gets of them."""

    state: dict[str, Any]
    candidates: dict[str, Small]
    training: Scenes
    test: Scenes
    calls: list[int]
    """Images of every forward pass through the reference's last convolution, which no subgraph keeps."""

    def reference(self) -> Small:
        module = base()
        module.load_state_dict(self.state)
        module.features[9].register_forward_hook(lambda _, images, __: self.calls.append(len(images[0])))
        module.eval()
        return module

    def seen(self, name: str, scenes: Scenes, kind: str, rows: int | None = None) -> ImageSet:
        module = self.candidates[name]
        pixels = scenes.pixels[:rows]
        with torch.no_grad():
            maps = module.features(torch.from_numpy(normalise(pixels)))
            logits = module.classifier(maps.mean(dim=(2, 3)))
        given = CandidateSeen(
            probabilities=torch.softmax(logits.double(), 1).numpy(),
            logits=logits.numpy(),
            pooled=maps.mean(dim=(2, 3)).numpy(),
            maps=maps.numpy(),
        )
        ids = tuple(f"{kind}{at}" for at in range(len(pixels)))
        return ImageSet(kind, ids, ids, pixels, scenes.labels[:rows], given)

    def context(self, shelf: Path, name: str = "blind-a", **changes: Any) -> TrainerContext:
        taken = Input(
            size=(SIDE, SIDE), resize="none", colour="rgb", scale=1 / 255, mean=(MEAN,), std=(STD,), layout="NCHW"
        )
        card = Card(version=1, input=taken, output=Output(kind="logits"))
        whole = TrainerContext(
            reference=self.reference,
            reference_card=card,
            candidate=lambda: self.candidates[name],
            candidate_card=card,
            candidate_name=name,
            classes=("ring", "plus", "cross", "disc"),
            feature_map=None,
            feature_note="",
            vetted=self.seen(name, self.test, "test"),
            training=self.seen(name, self.training, "train"),
            concepts={},
            normalise=normalise,
            label=None,
            tuning=Tuning(budget=0.4, device="cpu", subgraph_epochs=8),
            shelf=shelf,
            reference_key="tiny",
            candidate_key=name,
            candidate_parameters=sum(each.numel() for each in self.candidates[name].parameters()),
            candidate_macs=100_000,
            seed=0,
            threads=1,
            tell=lambda what, done, total: None,
        )
        return replace(whole, **changes)


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        training = draw(1500, 1)
        reference = trained(base(), training, 0, 5)
        blind = {
            name: trained(Small((8, 16), (2, 2)), draw(1500, 3 + part, part), 1, 6)
            for part, name in enumerate(("blind-a", "blind-b"))
        }
        torch.set_num_threads(threads)
    return Tiny(reference.state_dict(), blind, training, draw(900, 2), [])


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one shelf for all tests of the session, so that the subgraph is built once."""
    return tmp_path_factory.mktemp("shelf")
