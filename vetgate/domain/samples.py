"""The images that both models see: the same ones, in the same order, always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vetgate.domain.scene import TrueBoxes
from vetgate.domain.task import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Samples:
    """A frozen list of N images, by column."""

    ids: Sequence[str]
    """(N,) unique names within the data set, such as `cat/0007.jpg`."""
    digests: Sequence[str]
    """(N,) sha256 of the encoded image (or of its pixels, where there is no encoding) in hex."""
    labels: NDArray[np.int64] | None
    """(N,) class indices from 0, or None where the data has no labels."""
    classes: tuple[str, ...] | None
    """Class names by label, where the data names them."""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """(N,) values by metadata column, such as `weather`; an empty value is a missing one."""
    annotated: Task | None = None
    """What the images are annotated for where that is more than a label: the source is a MaskedSet or a BoxedSet."""
    annotations: Sequence[str] = ()
    """(N,) sha256 of what is annotated of each, in hex; empty where nothing is."""

    def __len__(self) -> int:
        return len(self.ids)


class SampleSet(Protocol):
    """An opened data source."""

    @property
    def samples(self) -> Samples:
        """The frozen list; reading it decodes nothing."""
        ...

    def read(self, index: int) -> NDArray[np.uint8]:
        """Return image `index` as pixels: (H, W) grey or (H, W, 3) RGB.

        Raises:
            UnreadableImage: It cannot be decoded.
        """
        ...


class SizedSet(SampleSet, Protocol):
    """A data source that tells how large an image is without decoding it."""

    def size(self, index: int) -> tuple[int, int]:
        """Return (height, width) of image `index` in pixels.

        Raises:
            UnreadableImage: It cannot be told.
        """
        ...


@runtime_checkable
class MaskedSet(SizedSet, Protocol):
    """A data source whose images come with the class of every pixel."""

    def mask(self, index: int) -> NDArray[np.uint8]:
        """Return (H, W) class indices of image `index`, in its own pixels; 255 where nobody says.

        Raises:
            DataError: It cannot be read, is of another size than the image, or holds a class that the data does not
                name.
        """
        ...


@runtime_checkable
class BoxedSet(SizedSet, Protocol):
    """A data source whose images come with the objects to be found in them."""

    def boxes(self, index: int) -> TrueBoxes:
        """Return the objects of image `index`."""
        ...
