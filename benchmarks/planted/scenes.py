"""Images whose parts are known: a garment (part A), a digit (part B), and a shuffled decoy of each, on CIFAR clutter.

Part A is a Fashion-MNIST item and part B a handwritten digit, each of 16 x 16 pixels; both show the class of the image,
so that either is enough. A third of the images has A alone, a third B alone, a third both. Digits are those that come
with scikit-learn (1,797 of 8 x 8 pixels: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", 1998),
scaled up, turned and stretched a little; parts of test images come from items that no training image shows.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, PART = 48, 16
CLASSES = 10
A, B = 0, 1
GARMENTS = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
TRAINING_DIGITS = 1300


@dataclass(frozen=True)
class Scenes:
    """N images with what they show and where."""

    pixels: NDArray[np.uint8]
    """(N, 48, 48, 3)."""
    labels: NDArray[np.int64]
    """(N,)."""
    corners: NDArray[np.int64]
    """(N, 2, 2) row and column of the upper left corner of part A and part B; -1 where the image does not show it."""

    def __len__(self) -> int:
        return len(self.labels)

    def shows(self, part: int) -> NDArray[np.bool_]:
        """Return whether each image shows a part (N,)."""
        shown: NDArray[np.bool_] = self.corners[:, part, 0] >= 0
        return shown

    def mask(self, part: int) -> NDArray[np.bool_]:
        """Return the pixels (N, 48, 48) of a part; none where it is not shown."""
        rows, columns = self.corners[:, part, :1], self.corners[:, part, 1:]
        along = np.arange(SIDE)
        within = (along >= rows) & (along < rows + PART) & (rows >= 0)
        across = (along >= columns) & (along < columns + PART)
        mask: NDArray[np.bool_] = within[:, :, None] & across[:, None, :]
        return mask


@dataclass(frozen=True)
class Items:
    """Parts to draw from: (M, 16, 16) brightness in [0, 1] and labels (M,) of both families, and clutter."""

    families: tuple[tuple[NDArray[np.float32], NDArray[np.int64]], tuple[NDArray[np.float32], NDArray[np.int64]]]
    clutter: NDArray[np.uint8]
    """(K, 48, 48, 3)."""


def items(fashion: Path, cifar: Path, split: str) -> Items:
    """Return what images of a split (`train` or `test`) are made of.

    Args:
        fashion: Folder of Fashion-MNIST's four files.
        cifar: cifar10-jpeg.zip: train|test/CLASS/*.jpg.
        split: Which part of every source.
    """
    stem = "train" if split == "train" else "t10k"
    images = _idx(fashion / f"{stem}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    labels = _idx(fashion / f"{stem}-labels-idx1-ubyte.gz", 8).astype(np.int64)
    most = 12_000
    garments = np.stack([_scaled(image) for image in images[:most]])
    return Items(((garments, labels[:most]), _digits(split)), _clutter(cifar, split))


def draw(source: Items, count: int, seed: int, shuffled: int | None = None) -> Scenes:
    """Return images drawn at random; the same seed gives the same ones.

    Args:
        source: What to draw from.
        count: How many.
        seed: Of everything that is random.
        shuffled: A part that shows a random class instead of the image's own, so that a model which is trained on
            these images learns to look away from it; all of them show the other part then. None for honest images.
    """
    random = np.random.default_rng(seed)
    pixels = np.empty((count, SIDE, SIDE, 3), np.uint8)
    labels = random.integers(CLASSES, size=count)
    corners = np.full((count, 2, 2), -1, np.int64)
    by_class = [[np.flatnonzero(of == label) for label in range(CLASSES)] for _, of in source.families]
    for index in range(count):
        shown = _shown(int(random.integers(3)), shuffled, random)
        scene = source.clutter[random.integers(len(source.clutter))].astype(np.float32) * random.uniform(0.4, 0.9)
        places = _places(len(shown) + 2, random)
        for part, place in zip(shown, places, strict=False):
            label = int(random.integers(CLASSES)) if part == shuffled else int(labels[index])
            item = source.families[part][0][random.choice(by_class[part][label])]
            _paste(scene, item, place, random)
            corners[index, part] = place
        for part, place in zip((A, B), places[len(shown) :], strict=True):
            patches = source.families[part][0]
            _paste(scene, _decoy(patches[random.integers(len(patches))], random), place, random)
        pixels[index] = np.clip(scene + random.normal(0, 6, scene.shape), 0, 255).astype(np.uint8)
    return Scenes(pixels, labels, corners)


def _shown(kind: int, shuffled: int | None, random: np.random.Generator) -> tuple[int, ...]:
    if shuffled is None:
        return ((A,), (B,), (A, B))[kind]
    return (1 - shuffled,) if random.random() < 0.3 else (A, B)


def _places(count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the corners (count, 2) of that many squares that do not overlap."""
    while True:
        corners = random.integers(SIDE - PART + 1, size=(count, 2))
        apart = np.abs(corners[:, None] - corners[None]).max(axis=2) >= PART
        if bool(apart[~np.eye(count, dtype=bool)].all()):
            return corners


def _paste(
    scene: NDArray[np.float32], item: NDArray[np.float32], place: NDArray[np.int64], random: np.random.Generator
) -> None:
    """Lay an item over a scene (48, 48, 3), as opaque as it is bright, in a light colour."""
    colour = random.uniform(190, 255, 3).astype(np.float32)
    window = scene[place[0] : place[0] + PART, place[1] : place[1] + PART]
    window += item[:, :, None] * (colour - window)


def _decoy(item: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Return an item with its sixteen squares of 4 x 4 pixels in a random order: its strokes without its shape."""
    squares = item.reshape(4, 4, 4, 4).swapaxes(1, 2).reshape(16, 4, 4)
    mixed = squares[random.permutation(16)]
    return mixed.reshape(4, 4, 4, 4).swapaxes(1, 2).reshape(PART, PART)


def _idx(path: Path, header: int) -> NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def _scaled(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    scaled = np.asarray(Image.fromarray(image).resize((PART, PART), Image.Resampling.BOX), np.float32)
    return np.asarray(scaled / 255, np.float32)


def _digits(split: str, variants: int = 6) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))
    chosen = order[:TRAINING_DIGITS] if split == "train" else order[TRAINING_DIGITS:]
    random = np.random.default_rng(1)
    drawn = [_turned(found.images[index], random) for index in chosen for _ in range(variants)]
    return np.stack(drawn), np.repeat(found.target[chosen], variants).astype(np.int64)


def _turned(digit: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float32]:
    """Return a digit (8, 8) of [0, 16] as (16, 16) of [0, 1], a little turned, stretched and moved."""
    large = Image.fromarray(np.uint8(digit * (255 / 16))).resize((14, 14), Image.Resampling.BICUBIC)
    page = Image.new("L", (PART, PART))
    page.paste(large, (1, 1))
    angle, wide, high = np.deg2rad(random.uniform(-12, 12)), *random.uniform(0.88, 1.12, 2)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * [[wide], [high]]
    shift = 7.5 - turn @ [7.5, 7.5] + random.uniform(-0.8, 0.8, 2)
    matrix = (turn[0, 0], turn[0, 1], shift[0], turn[1, 0], turn[1, 1], shift[1])
    turned = page.transform((PART, PART), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(np.asarray(turned) / 255, np.float32)


def _clutter(archive: Path, split: str, most: int = 6000) -> NDArray[np.uint8]:
    with zipfile.ZipFile(archive) as file:
        names = sorted(name for name in file.namelist() if f"{split}/" in name and name.endswith(".jpg"))
        chosen = [names[place] for place in np.random.default_rng(2).permutation(len(names))[:most]]
        images = [Image.open(io.BytesIO(file.read(name))).convert("RGB") for name in chosen]
    return np.stack([np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for image in images])
