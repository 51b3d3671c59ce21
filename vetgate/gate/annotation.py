"""COCO-style annotations of parts of images, matched with the images of a run. Outlines are read in a child only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from vetgate.domain.errors import DataError, UsageError
from vetgate.inference.assignment import Drawn


class _Part(BaseModel):
    """Of a file that others wrote, which holds more than is read here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Image(_Part):
    id: int | str
    file_name: str
    height: PositiveInt
    width: PositiveInt


class _Category(_Part):
    id: int
    name: str
    supercategory: str | None = None


class _Annotation(_Part):
    image_id: int | str
    category_id: NonNegativeInt
    segmentation: Any = None


class _File(_Part):
    images: tuple[_Image, ...]
    annotations: tuple[_Annotation, ...]
    categories: tuple[_Category, ...]


class Annotations:
    """The annotations of one file.

    Args:
        path: As typed.

    Raises:
        UsageError: It does not exist.
        DataError: It holds no COCO-style annotations.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._file = _File.model_validate_json(Path(path).read_bytes())
        except OSError as error:
            raise UsageError(f"the annotations {path} cannot be read: {error.strerror or error}") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise DataError(
                f"{path} holds no COCO-style annotations: {place}{': ' if place else ''}{first['msg']}",
                hint="it needs images, annotations with a segmentation, and categories",
            ) from None
        self._categories = {category.id: category for category in self._file.categories}
        unknown = {annotation.category_id for annotation in self._file.annotations} - set(self._categories)
        if unknown:
            raise DataError(f"{path} annotates with category {min(unknown)}, which it does not list")

    def match(self, ids: Sequence[str]) -> Mapping[int | str, str]:
        """Return the image of the run by that of the file: by its whole name, else by the last part of its path.

        Raises:
            DataError: No image of the run is annotated.
        """
        known = set(ids)
        ends = Counter(PurePosixPath(name).name for name in ids)
        by_end = {PurePosixPath(name).name: name for name in ids if ends[PurePosixPath(name).name] == 1}
        found = {}
        for image in self._file.images:
            end = PurePosixPath(image.file_name).name
            name = image.file_name if image.file_name in known else by_end.get(end)
            if name is not None:
                found[image.id] = name
        if not found:
            theirs = self._file.images[0].file_name if self._file.images else "none"
            raise DataError(
                f"{self.path} annotates no image of the run: its first is {theirs!r}, that of the data {ids[0]!r}",
                hint="images[].file_name must be the id of an image in the data set, or the end of it",
            )
        return found

    def drawn(
        self, ids: Sequence[str], sizes: Mapping[str, tuple[int, int]], classes: Sequence[str]
    ) -> Iterator[Drawn]:
        """Yield the annotations of images.

        Args:
            ids: Of the images.
            sizes: (height, width) by id, as they were decoded.
            classes: The reference's, which name whole objects.

        Raises:
            DataError: No image is annotated, or one is of another size than the file says.
        """
        names = self.match(ids)
        said = {image.id: (image.height, image.width) for image in self._file.images if image.id in names}
        for image, size in said.items():
            name = names[image]
            if sizes.get(name, size) != size:
                raise DataError(
                    f"{self.path} says that image {name!r} is {_by(size)}, but it is {_by(sizes[name])}",
                    hint="annotate the images as they stand in the data set",
                )
        for annotation in self._file.annotations:
            if annotation.image_id in names and annotation.segmentation:
                category = self._categories[annotation.category_id]
                yield Drawn(
                    image=names[annotation.image_id],
                    name=category.name,
                    whole=_is_whole(category, classes),
                    size=said[annotation.image_id],
                    segmentation=annotation.segmentation,
                )


def _is_whole(category: _Category, classes: Sequence[str]) -> bool:
    """Return whether a category is an object and no part of one."""
    kind = (category.supercategory or "").lower()
    return kind == "object" if kind in ("object", "part") else category.name in classes


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
