"""Sketches of the images of a set: made of what is decoded anyway where the table comes by, kept like answers."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.errors import UnreadableImage
from vetgate.domain.images import SketchedImages
from vetgate.inference.cache import Cache, key_of
from vetgate.inference.prepare import read_pixels
from vetgate.inference.sketch import RECORD, digests_of, lumas_of, pack, sizes_of, sketch, unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vetgate.gate.data import Images

Tell = Callable[[str, str, int, int], None]
"""Told (stage, detail, done, total)."""
STEP = 500
"""Images between two lines of progress."""
CHUNK = 20_000
"""Images of one file of the cache: 28 MB."""


class Sketches:
    """Sketches of one list of images.

    Args:
        images: The list.
        cache: Where they are kept, by image and by what decodes it.
    """

    def __init__(self, images: Images, cache: Cache) -> None:
        self._images, self._cache = images, cache
        versions = {name: metadata.version(name) for name in ("vetgate", "numpy", "pillow")}
        self._key = key_of({"what": "sketches of images", "reader": dict(images.reader), "core": versions})
        count = len(images.indices)
        self._records = np.zeros((count, RECORD), dtype=np.uint8)
        found, self._known = cache.answers(self._key, images.digests)
        if found is not None and found.shape[1] == pack(self._records[:1]).shape[1]:
            rows = np.flatnonzero(self._known)
            for start in range(0, len(rows), CHUNK):  # unpacking takes four times as much
                part = rows[start : start + CHUNK]
                self._records[part] = unpack(found[part])
        else:
            self._known = np.zeros(count, dtype=np.bool_)
        self._kept = self._known.copy()
        self._why: dict[int, str] = {}

    def see(self, row: int, pixels: NDArray[np.uint8]) -> None:
        """Take in one decoded image, by its position in the list."""
        if not self._known[row]:
            self._records[row] = sketch(pixels)
            self._known[row] = True

    def complete(self, tell: Tell, unreadable: dict[int, str]) -> SketchedImages:
        """Return all images, those decoded that nothing is known of yet.

        Args:
            tell: Told of progress.
            unreadable: Why images cannot be decoded that was tried before, by position; not tried again.
        """
        self._why |= unreadable
        left = [row for row in np.flatnonzero(~self._known).tolist() if row not in self._why]
        try:
            for done, row in enumerate(left):
                if done % STEP == 0:
                    tell("sketch", self._images.name, done, len(left))
                self._read(row)
        finally:
            self._keep()
        return self._summary()

    def _read(self, row: int) -> None:
        try:
            self.see(row, read_pixels(self._images.source, self._images.indices[row]))
        except UnreadableImage as error:
            self._why[row] = str(error)

    def _keep(self) -> None:
        """Put into the cache what was made since."""
        new, digests = np.flatnonzero(self._known & ~self._kept), self._images.digests
        for start in range(0, len(new), CHUNK):
            rows = new[start : start + CHUNK]
            named = [digests[row] for row in rows.tolist()]
            self._cache.keep_answers(self._key, named, pack(self._records[rows]))
        self._kept[new] = True

    def _summary(self) -> SketchedImages:
        images = self._images
        labels = images.samples.labels
        return SketchedImages(
            name=images.name,
            ids=images.ids,
            digests=images.digests,
            pixels=digests_of(self._records),
            sketches=lumas_of(self._records),
            sizes=sizes_of(self._records),
            readable=self._known.copy(),
            labels=None if labels is None else labels[np.asarray(images.indices, dtype=np.intp)],
            classes=images.samples.classes,
            unreadable=next((self._why[row] for row in sorted(self._why)), ""),
        )
