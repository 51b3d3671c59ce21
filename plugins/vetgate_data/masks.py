"""Images with the class of every pixel: the folders `images` and `masks`, a PNG for each image under its name.

A mask holds class numbers from 0 in 8-bit grey or palette, 255 where nobody says. `classes.txt` names the classes.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vetgate.api import NO_CLASS, DataError, Samples, SampleSet, Task, UnreadableImage
from vetgate_data import classlist, metadata
from vetgate_data.folder import read_file
from vetgate_data.frozen import Digests, freeze
from vetgate_data.listing import entries
from vetgate_data.pixels import decode, decode_mask, measure
from vetgate_data.recognise import is_image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def open_masks(path: Path) -> SampleSet:
    """Open a data set for segmentation.

    Raises:
        DataError: An image has no mask, a mask no image, or there is no list of classes.
    """
    images = sorted(name for name, is_folder in entries(path / "images") if not is_folder and is_image(name))
    masks = {name for name, is_folder in entries(path / "masks") if not is_folder and is_image(name)}
    belonging = {name: f"{PurePosixPath(name).with_suffix('.png')}" for name in images}
    bare = [name for name in images if belonging[name] not in masks]
    if bare:
        raise DataError(
            f"the image images/{bare[0]} of {path} has no mask masks/{belonging[bare[0]]} ({len(bare)} without one)",
            hint="give every image a PNG of its name, or take it out of the data set",
        )
    if strange := sorted(masks - set(belonging.values())):
        raise DataError(
            f"the mask masks/{strange[0]} of {path} belongs to no image in images ({len(strange)} such)",
            hint="add its image under the same name, or take the mask out of the data set",
        )
    for first, second in pairwise(sorted(images, key=lambda name: belonging[name])):
        if belonging[first] == belonging[second]:
            raise DataError(
                f"the images images/{first} and images/{second} of {path} share the mask masks/{belonging[first]}",
                hint="rename one of the two and give it a mask of its own",
            )
    return _Masked(path, images, [belonging[name] for name in images], _classes(path))


def _classes(path: Path) -> tuple[str, ...]:
    try:
        listed = read_file(path / classlist.NAME)
    except UnreadableImage:
        raise DataError(
            f"the data set {path} has masks and no {classlist.NAME}, so that nobody knows what its numbers mean",
            hint=f"write {classlist.NAME}: one class a line, from number 0 on",
        ) from None
    return classlist.parse_classes(listed, f"{path}/{classlist.NAME}")


class _Masked:
    """N images and their masks.

    Args:
        path: The data set.
        images: (N,) names below `images`.
        masks: (N,) names below `masks`.
        classes: Names by number.
    """

    def __init__(self, path: Path, images: list[str], masks: list[str], classes: tuple[str, ...]) -> None:
        self._path, self._images, self._masks = path, images, masks
        count = len(images)
        self._samples = freeze(
            images,
            Digests(count, lambda index: _digest(path / "images" / images[index])),
            None,
            classes,
            str(path),
            _columns(path, images),
            annotated=Task.SEGMENTATION,
            annotations=Digests(count, lambda index: _digest(path / "masks" / masks[index])),
        )

    @property
    def samples(self) -> Samples:
        """The frozen list; a digest reads its file when it is first asked for."""
        return self._samples

    def read(self, index: int) -> NDArray[np.uint8]:
        """Return image `index` as pixels: (H, W) grey or (H, W, 3) RGB.

        Raises:
            UnreadableImage: It cannot be read or decoded.
        """
        return decode(self._encoded(index))

    def size(self, index: int) -> tuple[int, int]:
        """Return (height, width) of image `index`.

        Raises:
            UnreadableImage: It cannot be told.
        """
        return measure(self._encoded(index))

    def mask(self, index: int) -> NDArray[np.uint8]:
        """Return (H, W) the class of each pixel of image `index`, 255 where nobody says.

        Raises:
            DataError: It cannot be read, is of another size than the image, or holds a number without a class.
        """
        name = f"{self._path}/masks/{self._masks[index]}"
        try:
            mask, size = decode_mask(read_file(self._path / "masks" / self._masks[index])), self.size(index)
        except UnreadableImage as error:
            raise DataError(f"the mask {name} cannot be read: {error}") from None
        if mask.shape != size:
            raise DataError(
                f"the mask {name} is {mask.shape[0]} x {mask.shape[1]}, and its image {size[0]} x {size[1]}"
            )
        known = len(self._samples.classes or ())
        strange = mask[(mask >= known) & (mask != NO_CLASS)]
        if strange.size:
            raise DataError(
                f"the mask {name} holds the number {int(strange[0])}, and {classlist.NAME} names {known} classes",
                hint="name every class, and mark with 255 what is none",
            )
        return mask

    def _encoded(self, index: int) -> bytes:
        return read_file(self._path / "images" / self._images[index])


def _columns(path: Path, images: list[str]) -> dict[str, list[str]]:
    """Return what metadata.csv in the folder of the images says of them."""
    file = path / "images" / metadata.NAME
    if not file.is_file():
        return {}
    found = metadata.parse_metadata(file.read_bytes(), str(file), set(images), images)
    return {name: list(values) for name, values in found.items()}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except UnreadableImage:
        return hashlib.sha256(b"").hexdigest()  # it stays in the list, to be counted when it is read
