"""A numpy archive of pixel arrays."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from vetgate.api import DataError, SampleSet
from vetgate_data.arrays import ArrayImages
from vetgate_data.column import texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.lib.npyio import NpzFile
    from numpy.typing import NDArray

IMAGES = ("images", "x", "x_test", "data")
LABELS = ("labels", "y", "y_test", "targets")
CLASSES = ("classes",)
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}

_DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError, NotImplementedError)
"""What numpy and zipfile raise on a damaged file; NotImplementedError for a compression that zipfile does not know."""


def open_npz(path: Path) -> SampleSet:
    """Open an .npz that holds `images` (N, H, W) or (N, H, W, C) of uint8 and perhaps `labels` (N,) and `classes` (C,).

    Images may also be named x, x_test or data, labels y, y_test or targets, in small or capital letters. Every other
    array (N,) of numbers or strings is metadata.

    Raises:
        DataError: Damaged, pickled, no or two arrays of images, pixels that are not 8-bit, or metadata whose name is
            taken.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            images = _one_of(IMAGES, archive, path)
            labels = _one_of(LABELS, archive, path)
            classes = _one_of(CLASSES, archive, path)
            names = ", ".join(archive.files)
            columns = _columns(archive, len(images) if images is not None and images.ndim else 0)
    except _DAMAGE as error:
        raise DataError(
            f"the arrays of {path} cannot be read: {' '.join(str(error).split())[:200]}",
            hint="write it with numpy.savez(path, images=..., labels=...), arrays of numbers and plain strings only",
        ) from None
    if images is None:
        raise DataError(f"{path} holds no array named images, but {names}", hint="name the pixels images")
    return ArrayImages(
        images,
        None if labels is None else _labels(labels, len(images) if images.ndim else 0, path),
        None if classes is None else _classes(classes, path),
        str(path),
        columns,
    )


def _columns(archive: NpzFile, count: int) -> dict[str, list[str]]:
    """Return the metadata of `count` images; whole arrays are read only where their headers tell that they are it."""
    taken = (*IMAGES, *LABELS, *CLASSES)
    found = [name for name in archive.files if name.lower() not in taken and _is_column(archive, name, count)]
    return {name.strip(): texts_of(archive[name]) for name in found}


def _is_column(archive: NpzFile, name: str, count: int) -> bool:
    member = f"{name}.npy"
    if archive.zip is None or member not in archive.zip.namelist():
        return False
    with archive.zip.open(member) as file:
        version = npy.read_magic(file)
        if version not in _HEADERS:
            return False
        shape, _, dtype = _HEADERS[version](file)
    return shape == (count,) and dtype.kind in "biufSU"


def _one_of(wanted: tuple[str, ...], archive: Mapping[str, NDArray[Any]], path: Path) -> NDArray[Any] | None:
    """Return the one array that has a name of `wanted`.

    Raises:
        DataError: Several have.
    """
    found = [name for name in archive if name.lower() in wanted]
    if len(found) > 1:
        raise DataError(f"{path} holds {' and '.join(found)}: either may be meant", hint=f"keep one, named {wanted[0]}")
    return archive[found[0]] if found else None


def _labels(labels: NDArray[Any], count: int, path: Path) -> NDArray[Any]:
    if labels.dtype.kind not in "iu":
        raise DataError(f"the labels of {path} are {labels.dtype}, but integers are needed")
    if labels.shape not in ((count,), (count, 1)):
        raise DataError(
            f"the labels of {path} have shape {labels.shape}, but ({count},) is needed, one for each image",
            hint="save labels.argmax(axis=1)" if labels.ndim == 2 and len(labels) == count else "",
        )
    return labels.reshape(count)


def _classes(classes: NDArray[Any], path: Path) -> list[str]:
    if classes.ndim != 1 or classes.dtype.kind not in "US":
        raise DataError(
            f"the classes of {path} are {classes.dtype} of shape {classes.shape}, but a list of strings is needed"
        )
    if classes.dtype.kind == "S":
        return [name.decode("utf-8", "replace") for name in classes.tolist()]
    return [str(name) for name in classes.tolist()]
