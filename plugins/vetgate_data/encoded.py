"""A sample set of encoded images: bytes are fetched and decoded one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from vetgate.api import Samples, UnreadableImage
from vetgate_data.frozen import Digests, freeze
from vetgate_data.pixels import decode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


class EncodedImages:
    """N encoded images.

    Args:
        ids: (N,) names within the data set.
        fetch: Returns the bytes of one image; raises UnreadableImage.
        labels: (N,) or None.
        classes: Class names by label, or None.
        where: The data set as the user named it.
        columns: (N,) texts by metadata column.
    """

    def __init__(
        self,
        ids: Sequence[str],
        fetch: Callable[[int], bytes],
        labels: ArrayLike | None,
        classes: Sequence[str] | None,
        where: str,
        columns: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._fetch = fetch
        self._samples = freeze(ids, Digests(len(ids), self._digest), labels, classes, where, columns)

    @property
    def samples(self) -> Samples:
        """The frozen list; a digest reads its image's bytes when it is first asked for, and decodes nothing."""
        return self._samples

    def read(self, index: int) -> NDArray[np.uint8]:
        """Return image `index` as pixels: (H, W) grey or (H, W, 3) RGB.

        Raises:
            UnreadableImage: Its bytes cannot be read or decoded.
        """
        return decode(self._fetch(index))

    def _digest(self, index: int) -> str:
        try:
            return hashlib.sha256(self._fetch(index)).hexdigest()
        except UnreadableImage:
            # an image without bytes stays in the list, to be counted when it is read
            return hashlib.sha256(b"").hexdigest()
