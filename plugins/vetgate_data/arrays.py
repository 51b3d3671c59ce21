"""A sample set of pixel arrays in memory; reading an image copies nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vetgate.api import DataError, Samples
from vetgate_data.frozen import Digests, freeze

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class ArrayImages:
    """N images of one size.

    Args:
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3) of uint8; RGB.
        labels: (N,) or None.
        classes: Class names by label, or None.
        where: The data set as the user named it.
        columns: (N,) texts by metadata column.

    Raises:
        DataError: The pixels are not 8-bit, or the shape is another.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: ArrayLike | None,
        classes: Sequence[str] | None,
        where: str,
        columns: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        _require_pixels(images, where)
        if images.ndim == 4 and images.shape[3] == 1:
            images = images[..., 0]
        self._images = np.ascontiguousarray(images).view()
        self._images.flags.writeable = False
        self._shape = str(self._images.shape[1:]).encode()
        count = len(images)
        width = len(str(count - 1))
        ids = [f"{index:0{width}}" for index in range(count)]
        self._samples = freeze(ids, Digests(count, self._digest), labels, classes, where, columns)

    @property
    def samples(self) -> Samples:
        """The frozen list; the digest of an image is that of its pixels and shape."""
        return self._samples

    def read(self, index: int) -> NDArray[np.uint8]:
        """Return image `index` as read-only pixels: (H, W) grey or (H, W, 3) RGB."""
        pixels: NDArray[np.uint8] = self._images[index]
        return pixels

    def _digest(self, index: int) -> str:
        digest = hashlib.sha256(self._images[index])
        digest.update(self._shape)
        return digest.hexdigest()


def _require_pixels(images: NDArray[np.uint8], where: str) -> None:
    if images.dtype != np.uint8:
        raise DataError(
            f"the images of {where} are {images.dtype}, but pixels must be uint8",
            hint="save the 8-bit pixels from before scaling and normalising; each model's card does both",
        )
    if images.ndim not in (3, 4) or 0 in images.shape[1:]:
        raise DataError(f"the images of {where} have shape {images.shape}, but (N, H, W) or (N, H, W, 3) is needed")
    if images.ndim == 4 and images.shape[3] not in (1, 3):
        turned = images.shape[1] in (1, 3)
        raise DataError(
            f"the images of {where} have shape {images.shape}, but the last axis must hold 1 or 3 channels",
            hint="save images.transpose(0, 2, 3, 1)" if turned else "save grey or RGB images",
        )
