"""Images as checks of the data itself see them: digests and small pictures, never the pixels of a whole set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SKETCH = 32
"""Rows and columns of a sketch."""


@dataclass(frozen=True)
class SketchedImages:
    """N images of one set, each as the digest of its pixels and a sketch."""

    name: str
    """The path as typed."""
    ids: Sequence[str]
    """(N,) unique within the set."""
    digests: Sequence[str]
    """(N,) of the encoded images, in hex."""
    pixels: NDArray[np.uint8]
    """(N, 32) sha256 of the decoded pixels and their shape; grey stored as colour has the digest of grey."""
    sketches: NDArray[np.uint8]
    """(N, SKETCH, SKETCH) luma, the mean of each part of the image whatever its shape."""
    sizes: NDArray[np.int64]
    """(N, 2) rows and columns."""
    readable: NDArray[np.bool_]
    """(N,) whether it could be decoded; what the other arrays say of one that could not means nothing."""
    labels: NDArray[np.int64] | None = None
    """(N,) as the set numbers them, or None."""
    classes: tuple[str, ...] | None = None
    """Class names by label, where the set names them."""
    unreadable: str = ""
    """Why the first of those that could not be decoded could not."""

    def __len__(self) -> int:
        return len(self.ids)

    def label(self, row: int) -> str | None:
        """Return the class of one image as people read it; None without labels."""
        if self.labels is None:
            return None
        index = int(self.labels[row])
        return self.classes[index] if self.classes is not None and index < len(self.classes) else str(index)
