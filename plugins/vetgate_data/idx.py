"""IDX files, the format of MNIST and Fashion-MNIST (Y. LeCun, C. Cortes, C. Burges, The MNIST database)."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vetgate.api import DataError, SampleSet
from vetgate_data.arrays import ArrayImages
from vetgate_data.recognise import IDX_IMAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNSIGNED_BYTES = 0x08
_TEST_NAMES = ("t10k", "test")


def open_idx(path: Path) -> SampleSet:
    """Open a file of images, plain or gzipped, with the labels beside it, or a folder of such files.

    The labels are in the file of the same name with `labels` and `idx1` for `images` and `idx3`; without it the set has
    none. Of a folder with several sets the test set is read (t10k-* or *test*).

    Raises:
        DataError: Damaged, a file of labels, images and labels that differ in number, or no single test set.
    """
    file = _images_file(path) if path.is_dir() else path
    images = _read(file, 3)
    beside = _labels_file(file)
    labels = _read(beside, 1) if beside else None
    if labels is not None and len(labels) != len(images):
        raise DataError(f"{file} holds {len(images)} images, but {beside} {len(labels)} labels")
    return ArrayImages(images, labels, None, str(path))


def _images_file(folder: Path) -> Path:
    found = {file.name.removesuffix(".gz"): file for file in sorted(folder.iterdir(), reverse=True)}
    sets = [file for name, file in sorted(found.items()) if IDX_IMAGES.search(name) and not name.startswith(".")]
    tests = [file for file in sets if any(word in file.name for word in _TEST_NAMES)]
    chosen = sets if len(sets) == 1 else tests
    if len(chosen) != 1:
        names = ", ".join(file.name for file in chosen or sets) or "none"
        raise DataError(
            f"the folder {folder} holds no single file of test images ({names})", hint="name one of the files"
        )
    return chosen[0]


def _labels_file(images: Path) -> Path | None:
    if not IDX_IMAGES.search(images.name):
        return None
    head, _, tail = images.name.rpartition("images")
    name = f"{head}labels{tail.replace('idx3', 'idx1')}".removesuffix(".gz")
    for suffix in ("", ".gz"):
        if (file := images.with_name(name + suffix)).is_file():
            return file
    return None


def _read(path: Path, axes: int) -> NDArray[np.uint8]:
    """Return the array of an IDX file with `axes` axes of bytes.

    Raises:
        DataError: Damaged, or an array of another kind.
    """
    with path.open("rb") as start:
        zipped = start.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if zipped else path.open("rb") as file:
            shape = _shape(file.read(4 + 4 * axes), axes, path)
            size = 1
            for length in shape:
                size *= length
            content = file.read(size + 1)  # one more tells whether more follows
    except (OSError, EOFError, OverflowError, MemoryError, zlib.error) as error:
        raise DataError(f"{path} is cut short or damaged: {error}") from None
    if len(content) != size:
        word = "more" if len(content) > size else f"{len(content):,}"
        raise DataError(f"{path} states {size:,} values, but holds {word}", hint="copy or download it again")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _shape(header: bytes, axes: int, path: Path) -> tuple[int, ...]:
    if header[:4] == bytes((0, 0, _UNSIGNED_BYTES, 1)) and axes == 3:
        raise DataError(f"{path} holds labels", hint="name the file of images; its labels are found beside it")
    if header[:4] != bytes((0, 0, _UNSIGNED_BYTES, axes)) or len(header) < 4 + 4 * axes:
        raise DataError(f"{path} is no IDX file of bytes with {axes} axes")
    return tuple(int.from_bytes(header[at : at + 4], "big") for at in range(4, 4 + 4 * axes, 4))
