"""How the images of a run look: computed from what is decoded anyway, kept like answers, asked for by rules alone."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.errors import UnreadableImage
from vetgate.domain.evidence import LOOKS_OF_IMAGES
from vetgate.inference.cache import Cache, key_of
from vetgate.inference.columns import column_of_looks, looks_of_image
from vetgate.inference.prepare import read_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vetgate.domain.predictions import Column
    from vetgate.gate.data import Images


class Appearance:
    """Brightness, contrast and size of the images of a run.

    Args:
        images: The list.
        cache: Where they are kept, by image and by what decodes it.
    """

    def __init__(self, images: Images, cache: Cache) -> None:
        self._images, self._cache = images, cache
        versions = {name: metadata.version(name) for name in ("vetgate", "numpy")}
        self._key = key_of({"what": "looks of images", "reader": dict(images.reader), "core": versions})
        found, self._known = cache.answers(self._key, images.digests)
        count = len(images.indices)
        self._looks = found if found is not None else np.zeros((count, len(LOOKS_OF_IMAGES)), dtype=np.float32)
        self._kept = self._known.copy()

    def see(self, row: int, pixels: NDArray[np.uint8]) -> None:
        """Take in one decoded image, by its position in the list."""
        if not self._known[row]:
            self._looks[row] = looks_of_image(pixels)
            self._known[row] = True

    def complete(self, rows: NDArray[np.intp]) -> None:
        """Decode those of some images that nothing is known of yet; one that cannot be read has no looks."""
        for row in rows[~self._known[rows]].tolist():
            try:
                self.see(row, read_pixels(self._images.source, self._images.indices[row]))
            except UnreadableImage:
                continue

    def keep(self) -> None:
        """Put into the cache what was computed since."""
        new = np.flatnonzero(self._known & ~self._kept)
        if len(new):
            digests = self._images.digests
            self._cache.keep_answers(self._key, [digests[row] for row in new.tolist()], self._looks[new])
            self._kept[new] = True

    def column(self, name: str, rows: NDArray[np.intp]) -> Column:
        """Return a column of some images, cut into quarters among them.

        Args:
            name: One of LOOKS_OF_IMAGES.
            rows: (M,) positions in the list.
        """
        looks = np.where(self._known[rows, np.newaxis], self._looks[rows], np.float32(np.nan))
        return column_of_looks(name, looks)
