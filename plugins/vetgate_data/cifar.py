"""Binary CIFAR-10 and CIFAR-100 (A. Krizhevsky, Learning multiple layers of features from tiny images, 2009).

A record is one label byte (CIFAR-100: coarse, then fine; the fine one is used) and 3,072 bytes of 32 x 32 pixels, the
red plane first.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vetgate.api import DataError, SampleSet
from vetgate_data.arrays import ArrayImages
from vetgate_data.recognise import cifar_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIXELS = 3072
_NAMES = {1: "batches.meta.txt", 2: "fine_label_names.txt"}
"""Where the class names stand, by the number of label bytes."""
_TEST_FILES = ("test_batch.bin", "test.bin")
_TRAINING_FILES = ("data_batch_*.bin", "train.bin")


def open_cifar(path: Path) -> SampleSet:
    """Open one file of records, or a folder: its test part, or the training part where there is no other.

    Raises:
        DataError: A file is no multiple of the record's size, or a label is out of range.
    """
    files = _files(path) if path.is_dir() else [path]
    batches = [_records(file) for file in files]
    widths = {batch.shape[1] for batch in batches}
    if len(widths) > 1:
        raise DataError(f"the folder {path} mixes files of CIFAR-10 and CIFAR-100")
    records = np.concatenate(batches)
    label_bytes = records.shape[1] - _PIXELS
    planes = records[:, label_bytes:].reshape(-1, 3, 32, 32)
    classes = _classes(files[0].with_name(_NAMES[label_bytes]))
    return ArrayImages(planes.transpose(0, 2, 3, 1), records[:, label_bytes - 1], classes, str(path))


def _files(folder: Path) -> list[Path]:
    for pattern in (*_TEST_FILES, *_TRAINING_FILES):
        if found := sorted(folder.glob(pattern)):
            return found
    raise DataError(f"the folder {folder} holds no file of CIFAR records")


def _records(path: Path) -> NDArray[np.uint8]:
    """Return the (N, label bytes + 3072) records of a file."""
    content = path.read_bytes()
    widths = cifar_record(content, len(content))
    if len(widths) != 1:
        why = "fits both CIFAR-10 and CIFAR-100" if widths else "is cut short, or no file of CIFAR records"
        raise DataError(f"{path} ({len(content):,} bytes) {why}")
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, widths[0])


def _classes(path: Path) -> list[str] | None:
    if not path.is_file():
        return None
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
