"""Telling data sets apart by content: one function decides for all sources, so that no two can claim one path."""

from __future__ import annotations

import gzip
import os
import re
import zipfile
from enum import StrEnum
from itertools import islice
from pathlib import Path

from vetgate_data.header import delimiter_of
from vetgate_data.listing import entries

IMAGE_SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff"),
        *(".pbm", ".pgm", ".ppm", ".pnm", ".jp2", ".avif", ".heic", ".heif", ".jxl"),
    )
)
"""What counts as an image in a folder; one of a kind that cannot be decoded is then unreadable, not overlooked."""

IDX_IMAGES = re.compile(r"images[-.]idx3-ubyte(\.gz)?$")
CIFAR_BATCH = re.compile(r"(test_batch|data_batch_\d+)\.bin$")
CIFAR_RECORDS = ((1 + 3072, (10,)), (2 + 3072, (20, 100)))
"""Bytes of one record, and how many values each of its leading label bytes may take: CIFAR-10, then CIFAR-100."""

COCO_FILE = "instances.json"
"""Beside the images or their folder `images`: what is to be found in them."""
MASK_FOLDERS = {"images", "masks"}
"""All folders of a data set for segmentation."""

_LOCAL_HEADER = b"PK\x03\x04"
_CHECKPOINT = re.compile(r"([^/]+/)?data\.pkl")
"""The member that tells a PyTorch checkpoint or program."""
_HEAD = 64 * 3074
_MOST_ENTRIES = 100_000
"""Entries of a folder that are looked at before it is said to hold no image."""


class Source(StrEnum):
    """The data sources by name."""

    MASKS = "masks"
    COCO = "coco"
    IMAGE_FOLDER = "image-folder"
    ZIP = "zip"
    NPZ = "npz"
    IDX = "idx"
    CIFAR = "cifar-binary"
    PARQUET = "parquet"
    CSV = "csv"


def is_source(source: Source, path: Path) -> bool:
    """Return whether `path` is a data set of this kind; never raises."""
    return source_of(path) is source


def source_of(path: Path) -> Source | None:
    """Return the one kind of data set that a file or folder looks like, or None; never raises.

    A folder that fits several is the first of: CIFAR binary, IDX, parquet, COCO, masks, image folder.
    """
    try:
        if path.is_dir():
            return _folder(path)
        return _file(path) if path.is_file() else None
    except Exception:  # whatever a stranger's bytes do to a decoder, they are not a data set
        return None


def is_image(name: str) -> bool:
    """Return whether a file name has the suffix of an image."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122  # names inside archives are no paths


def cifar_record(head: bytes, size: int) -> tuple[int, ...]:
    """Return the record sizes (bytes) that `size` and the label bytes in `head` allow; empty for other files."""
    return tuple(record for record, ranges in CIFAR_RECORDS if _fits(head, size, record, ranges))


def _fits(head: bytes, size: int, record: int, ranges: tuple[int, ...]) -> bool:
    if size == 0 or size % record:
        return False
    return all(max(head[place::record], default=limit) < limit for place, limit in enumerate(ranges))


def _file(path: Path) -> Source | None:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    size = path.stat().st_size
    if head[:4] in (_LOCAL_HEADER, b"PK\x05\x06"):
        return _zip(path, _first_members(head))
    if head[:4] == b"PAR1":
        return Source.PARQUET
    return _bare_bytes(path, head, size)


def _zip(path: Path, names: list[str]) -> Source | None:
    """Tell zips apart by member names: by the first ones if they tell, so that a zip cut short is what it was."""
    if not any(name.endswith(".npy") or is_image(name) for name in names):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    if any(_CHECKPOINT.fullmatch(name) for name in names):
        return None
    if any(is_image(name) for name in names):
        return Source.ZIP
    return Source.NPZ if names and names[0].endswith(".npy") else None


def _first_members(head: bytes) -> list[str]:
    """Return the member names that the local headers in the first bytes of a zip show."""
    names = []
    at = head.find(_LOCAL_HEADER)
    while 0 <= at <= len(head) - 30:
        length = int.from_bytes(head[at + 26 : at + 28], "little")
        names.append(head[at + 30 : at + 30 + length].decode("utf-8", "replace"))
        at = head.find(_LOCAL_HEADER, at + 30)
    return names


def _bare_bytes(path: Path, head: bytes, size: int) -> Source | None:
    """Tell the formats without a magic of their own; a dark CIFAR image can begin like an IDX header."""
    start = _gunzipped(path) if head[:2] == b"\x1f\x8b" else head[:16]
    is_idx = start[:4] in (b"\x00\x00\x08\x01", b"\x00\x00\x08\x03")
    if not (is_idx and _idx_size(start) == size) and cifar_record(head, size):
        return Source.CIFAR
    if is_idx:
        return Source.IDX
    return Source.CSV if delimiter_of(head) else None


def _gunzipped(path: Path) -> bytes:
    with gzip.open(path) as file:
        return file.read(16)


def _idx_size(start: bytes) -> int:
    """Return how many bytes a plain IDX file with this header has."""
    lengths = [int.from_bytes(start[at : at + 4], "big") for at in range(4, 4 + 4 * start[3], 4)]
    size = 1
    for length in lengths:
        size *= length
    return 4 + 4 * len(lengths) + size


def _folder(path: Path) -> Source | None:
    names = [entry.name for entry in path.iterdir()]
    if any(CIFAR_BATCH.match(name) for name in names) or _holds_cifar100(path, names):
        return Source.CIFAR
    if any(IDX_IMAGES.search(name) for name in names):
        return Source.IDX
    if any(parquet_files(path)):
        return Source.PARQUET
    if COCO_FILE in names:
        return Source.COCO
    if {entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")} == MASK_FOLDERS:
        return Source.MASKS
    found = islice(entries(path), _MOST_ENTRIES)
    return Source.IMAGE_FOLDER if any(is_image(name) for name, is_folder in found if not is_folder) else None


def _holds_cifar100(path: Path, names: list[str]) -> bool:
    return any(_file(path / name) is Source.CIFAR for name in ("test.bin", "train.bin") if name in names)


def parquet_files(path: Path) -> list[Path]:
    """Return the *.parquet files of a folder, or else of its folder `data`, by name."""
    for folder in (path, path / "data"):
        if found := sorted(file for file in folder.glob("*.parquet") if not file.name.startswith(".")):
            return found
    return []
