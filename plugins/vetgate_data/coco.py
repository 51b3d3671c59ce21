"""Images with the objects to be found in them: COCO-style `instances.json` beside the images or their folder `images`.

Images are those that the file lists, classes its categories in the order of their ids.

Source: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

from vetgate.api import DataError, Samples, SampleSet, Task, TrueBoxes, UnreadableImage
from vetgate_data.folder import read_file
from vetgate_data.frozen import Digests, freeze
from vetgate_data.pixels import decode, measure
from vetgate_data.recognise import COCO_FILE

if TYPE_CHECKING:
    from numpy.typing import NDArray


LONGEST = 1 << 30
"""Bytes of instances.json; COCO's own of 118,287 images has 0.47 billion."""


class _Part(BaseModel):
    """Of a file that others wrote, which holds more than is read here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Image(_Part):
    id: int
    file_name: str
    height: PositiveInt
    width: PositiveInt


class _Category(_Part):
    id: int
    name: str


class _Annotation(_Part):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0


class _File(_Part):
    images: tuple[_Image, ...]
    annotations: tuple[_Annotation, ...]
    categories: tuple[_Category, ...]


def open_coco(path: Path) -> SampleSet:
    """Open a data set for detection.

    Raises:
        DataError: The file is malformed, or its parts do not fit each other.
    """
    return _Boxed(path, _read(path / COCO_FILE))


def _read(file: Path) -> _File:
    try:
        if file.stat().st_size > LONGEST:
            raise DataError(f"{file} is larger than {LONGEST:,} bytes", hint="vet on a part of the images")
        found = _File.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{file} holds no COCO-style annotations: {place}{': ' if place else ''}{first['msg']}",
            hint="it needs images, annotations with a bbox, and categories",
        ) from None
    images, categories = {image.id: image for image in found.images}, {category.id for category in found.categories}
    if len(images) < len(found.images) or len(categories) < len(found.categories):
        raise DataError(f"{file} gives an id to two images or categories")
    for annotation in found.annotations:
        _require_sane(annotation, images, categories, file)
    for image in found.images:
        if PurePosixPath(image.file_name).is_absolute() or ".." in PurePosixPath(image.file_name).parts:
            raise DataError(f"{file} names the image {image.file_name!r}, which lies outside the data set")
    return found


def _require_sane(annotation: _Annotation, images: dict[int, _Image], categories: set[int], file: Path) -> None:
    if annotation.image_id not in images or annotation.category_id not in categories:
        strange = "image" if annotation.image_id not in images else "category"
        raise DataError(
            f"{file} annotates image {annotation.image_id} with category {annotation.category_id}, and lists no such "
            f"{strange}"
        )
    if not np.isfinite(annotation.bbox).all() or min(annotation.bbox[2:]) <= 0:
        raise DataError(
            f"{file} gives image {annotation.image_id} the box {list(annotation.bbox)}; x, y, width and height are "
            "needed, and it must have an area"
        )
    x, y, width, height = annotation.bbox
    image = images[annotation.image_id]
    if x >= image.width or y >= image.height or x + width <= 0 or y + height <= 0 or not np.isfinite(width * height):
        raise DataError(
            f"{file} gives image {annotation.image_id}, which is {image.width} wide and {image.height} high, the box "
            f"{list(annotation.bbox)}, none of which lies in it",
            hint="write boxes as x, y, width and height in pixels of the image",
        )


class _Boxed:
    """N images and the objects in them.

    Args:
        path: The data set.
        file: What its instances.json says.
    """

    def __init__(self, path: Path, file: _File) -> None:
        folder = path / "images" if (path / "images").is_dir() else path
        images = sorted(file.images, key=lambda image: image.file_name)
        categories = sorted(file.categories, key=lambda category: category.id)
        place = {category.id: index for index, category in enumerate(categories)}
        found: dict[int, list[tuple[Any, ...]]] = {image.id: [] for image in images}
        for each in file.annotations:
            found[each.image_id].append((place[each.category_id], bool(each.iscrowd), *each.bbox))
        self._files = [folder / image.file_name for image in images]
        self._stated = [(image.height, image.width) for image in images]
        self._found = [sorted(found[image.id]) for image in images]
        self._samples = freeze(
            [image.file_name for image in images],
            Digests(len(images), self._digest),
            None,
            [category.name for category in categories],
            str(path),
            annotated=Task.DETECTION,
            annotations=[hashlib.sha256(json.dumps(each).encode()).hexdigest() for each in self._found],
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
        return decode(read_file(self._files[index]))

    def size(self, index: int) -> tuple[int, int]:
        """Return (height, width) of image `index`.

        Raises:
            UnreadableImage: It cannot be told.
        """
        return measure(read_file(self._files[index]))

    def boxes(self, index: int) -> TrueBoxes:
        """Return the objects of image `index`.

        Raises:
            DataError: The image is of another size than the file says, so that the boxes are of another image.
        """
        try:
            size = self.size(index)
        except UnreadableImage as error:
            raise DataError(f"image {self._samples.ids[index]!r} cannot be read: {error}") from None
        if size != self._stated[index]:
            said = " x ".join(map(str, self._stated[index]))
            raise DataError(
                f"{COCO_FILE} says that image {self._samples.ids[index]!r} is {said}, but it is {size[0]} x {size[1]}",
                hint="annotate the images as they stand in the data set",
            )
        found = self._found[index]
        boxes = np.array([each[2:] for each in found], dtype=np.float64).reshape(-1, 4)
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        classes = np.array([each[0] for each in found], dtype=np.int64)
        return TrueBoxes(corners, classes, np.array([each[1] for each in found], dtype=np.bool_))

    def _digest(self, index: int) -> str:
        try:
            return hashlib.sha256(read_file(self._files[index])).hexdigest()
        except UnreadableImage:
            return hashlib.sha256(b"").hexdigest()  # it stays in the list, to be counted when it is read
