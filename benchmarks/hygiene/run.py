"""How well near copies are found, and how often images that are none are called so.

    python benchmarks/hygiene/run.py BASE VETTED [--queries N] [--planted N] [--pictures PATH]

BASE and VETTED are any data that vetgate reads, such as the training and test split of a data set. Of VETTED, N images
are taken as they are: what is found of them is an alarm, and can be looked at with --pictures (above the vetted image,
below what it is said to copy). Of BASE, N images for each kind of change are drawn, changed and planted. Prints recall
by kind, alarms, the precision that follows if every alarm among images that were not planted is false, and CPU seconds.
Natural data sets have true near copies among their splits, so that this precision is a lower bound.
"""

from __future__ import annotations

import argparse
import io
import resource
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from vetgate_hygiene.duplicates import find_duplicates, find_overlap

from vetgate.domain.images import SketchedImages
from vetgate.gate.data import Images, open_images
from vetgate.host import find_plugins
from vetgate.inference.sketch import digests_of, lumas_of, sizes_of, sketch

Pixels = NDArray[np.uint8]


def _jpeg(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=int(rng.integers(40, 90)))
    return np.asarray(Image.open(buffer))


def _resize(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    factor = rng.uniform(0.67, 2.0)
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def _brightness(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    changed = pixels * rng.uniform(0.75, 1.25) + rng.uniform(-15, 15)
    return np.asarray(np.clip(changed, 0, 255), dtype=np.uint8)


def _flip(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return pixels[:, ::-1].copy()


def _crop(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    top, bottom = rng.integers(0, height // 10 + 1, 2)
    left, right = rng.integers(0, width // 10 + 1, 2)
    cut = Image.fromarray(pixels).crop((int(left), int(top), int(width - right), int(height - bottom)))
    return np.asarray(cut.resize((width, height), Image.Resampling.BILINEAR))


def _noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(np.clip(pixels + rng.normal(0, 6, pixels.shape), 0, 255), dtype=np.uint8)


def _grey(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(Image.fromarray(pixels).convert("L"))


CHANGES: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "JPEG, quality 40 to 90": _jpeg,
    "resized, 0.67 to 2": _resize,
    "brightness": _brightness,
    "mirrored": _flip,
    "cropped, 0 to 10 % a side": _crop,
    "noise, 6 levels": _noise,
    "grey": _grey,
}


def _sketched(name: str, ids: list[str], pixels: list[Pixels]) -> SketchedImages:
    records = np.stack([sketch(image) for image in pixels])
    readable = np.ones(len(ids), dtype=np.bool_)
    return SketchedImages(name, ids, ids, digests_of(records), lumas_of(records), sizes_of(records), readable)


def _read(images: Images, rows: list[int]) -> list[Pixels]:
    return [images.source.read(images.indices[row]) for row in rows]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base")
    parser.add_argument("vetted")
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--planted", type=int, default=200)
    parser.add_argument("--pictures")
    options = parser.parse_args()
    host, rng = find_plugins((), {}), np.random.default_rng(0)
    base, vetted = open_images(options.base, host, None, 0), open_images(options.vetted, host, options.queries, 0)
    start = time.process_time()
    others = _sketched("base", base.ids, _read(base, list(range(len(base.indices)))))
    plain = _sketched("vetted", vetted.ids, _read(vetted, list(range(len(vetted.indices)))))
    print(f"decoding and sketching {len(others):,} + {len(plain):,} images: {time.process_time() - start:.1f} CPU s")
    start = time.process_time()
    alarms = find_overlap(plain, others)
    print(f"overlap of {len(plain):,} with {len(others):,}: {time.process_time() - start:.1f} CPU s")
    start = time.process_time()
    twice = find_duplicates(plain)
    print(f"duplicates among {len(plain):,}: {time.process_time() - start:.1f} CPU s, {len(twice)} pairs")
    exact = sum(pair.exact for pair in alarms)
    print(f"alarms among images that were not planted: {len(alarms)} ({exact} exact), {len(alarms) / len(plain):.3%}")
    found = _plant(base, others, options.planted, rng)
    planted = options.planted * len(CHANGES)
    least = found / planted / (found / planted + (len(alarms) - exact) / len(plain))
    print(f"recall {found / planted:.3f}; precision at one planted to one other at least {least:.4f}")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")
    if options.pictures:
        _draw(options.pictures, [(pair.first, pair.second) for pair in alarms if not pair.exact], vetted, base)


def _plant(base: Images, others: SketchedImages, count: int, rng: np.random.Generator) -> int:
    found = 0
    for name, change in CHANGES.items():
        rows = rng.choice(len(others), count, replace=False).tolist()
        changed = [change(pixels, rng) for pixels in _read(base, rows)]
        pairs = find_overlap(_sketched(name, [str(row) for row in range(count)], changed), others)
        right = sum(pair.second == rows[pair.first] for pair in pairs)
        print(f"  {name:<28} recall {right / count:.3f}, another image than planted {len(pairs) - right}")
        found += len(pairs)
    return found


def _draw(path: str, pairs: list[tuple[int, int]], vetted: Images, base: Images) -> None:
    tiles = []
    for first, second in pairs[:60]:
        both = (*_read(vetted, [first]), *_read(base, [second]))
        tiles.append(np.concatenate([np.asarray(Image.fromarray(p).convert("RGB").resize((64, 64))) for p in both]))
    rows = [tiles[at : at + 20] for at in range(0, len(tiles), 20)]
    blank = np.zeros_like(tiles[0])
    Image.fromarray(np.concatenate([np.concatenate(row + [blank] * (20 - len(row)), 1) for row in rows])).save(path)


if __name__ == "__main__":
    main()
