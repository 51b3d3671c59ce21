"""The images that both models see: the same ones, in the same order, always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

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
