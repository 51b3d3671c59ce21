"""A candidate's feature map on images: from the cache, else from its live child, each image once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.errors import Inconclusive
from vetgate.domain.model import Tap
from vetgate.domain.record import Record
from vetgate.gate.entrant import Entrant
from vetgate.gate.house import House
from vetgate.gate.supplies import Laid
from vetgate.inference.cache import Cache
from vetgate.inference.features import Chosen, Pixels, Stream, choose
from vetgate.inference.inner import list_taps
from vetgate.inference.prepare import fit, geometry, read_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEEP_BYTES = 32 << 20
"""Of features between two writes to the cache; what an interrupted run loses."""
LARGEST_SHARE = 0.5
"""Of the cache that one candidate's whole maps may take; larger ones are taken anew in each run."""


class _Taps(Record):
    """The inner tensors of a model, as the cache keeps them."""

    taps: tuple[Tap, ...]
    notes: tuple[str, ...]
    missing: str = ""
    """Why there are none."""


def find_feature_map(candidate: Entrant, wanted: str | None) -> Chosen:
    """Return the tensor to take, or why there is none.

    Raises:
        UsageError: The user names one that is not there.
        VetgateError: The candidate cannot be opened.
    """
    key = candidate.key("taps")
    known = candidate.cache.record(key, _Taps)
    if known is None:
        known = _ask_taps(candidate)
        candidate.cache.keep_record(key, known)
    if known.missing and wanted is None:
        return Chosen(None, known.missing)
    return choose(known.taps, known.notes, wanted, candidate.name)


def _ask_taps(candidate: Entrant) -> _Taps:
    worker = candidate.open()
    try:
        told = list_taps(worker)
    except Inconclusive as error:
        if type(error) is not Inconclusive:  # it is one, and something failed
            raise
        return _Taps(taps=(), notes=(), missing=error.message)
    return _Taps(taps=told.taps, notes=told.notes)


@dataclass
class FeatureReader:
    """Reads one feature map of one candidate."""

    candidate: Entrant
    tap: Tap
    house: House
    tell: Callable[[str, int, int], None]
    """Told (what, done, total)."""

    def read(self, laid: Laid, maps: Path | None) -> NDArray[np.float32]:
        """Return the feature map's mean over positions, (N, C_E).

        Args:
            laid: The images.
            maps: Where the whole maps go, an .npy of float32 (N, C_E, h, w); None for images that are trained on.

        Raises:
            VetgateError: The candidate cannot be opened or run.
            Inconclusive: There is no room for the maps.
        """
        found = _Found(laid, self.tap, _reserve(maps, (len(laid.indices), *self.tap.shape)) if maps else None)
        shelves = self._shelves(laid, found)
        known = [shelf.recall() for shelf in shelves]
        if found.maps is not None and len(known) < 2:
            known.append(np.zeros(len(laid.indices), dtype=np.bool_))  # too large to be kept
        left = np.flatnonzero(~np.logical_and.reduce(known))
        if len(left):
            try:
                self._stream(laid, left, found, shelves)
            finally:
                for shelf in shelves:
                    shelf.flush()
        return found.pooled

    def _shelves(self, laid: Laid, found: _Found) -> list[_Shelf]:
        cache, reader, digests = self.candidate.cache, dict(laid.images.reader), laid.digests
        pooled = self.candidate.key("pooled features", reader=reader, tap=self.tap.name)
        shelves = [_Shelf(cache, pooled, digests, found.pooled)]
        if found.maps is not None and found.maps.nbytes <= LARGEST_SHARE * cache.limit:
            key = self.candidate.key("feature maps", reader=reader, tap=self.tap.name)
            shelves.append(_Shelf(cache, key, digests, found.maps.reshape(len(digests), -1)))
        return shelves

    def _stream(self, laid: Laid, rows: NDArray[np.intp], found: _Found, shelves: list[_Shelf]) -> None:
        card = self.candidate.require_card().card
        what = f"features of {laid.images.name}"

        def give(part: NDArray[np.intp], values: NDArray[np.float32]) -> None:
            found.take(part, values)
            for shelf in shelves:
                shelf.put(part)

        pixels, batch = _pixels(laid, self.candidate), self.house.batch_for(card)
        stream = Stream(self.candidate.open(), self.house.images, self.tap, pixels, batch)
        stream.run(rows, give, lambda done, total: self.tell(what, done, total))


@dataclass
class _Found:
    """The features of N images."""

    laid: Laid
    tap: Tap
    maps: NDArray[np.float32] | None
    pooled: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.pooled = np.zeros((len(self.laid.indices), self.tap.shape[0]), dtype=np.float32)

    def take(self, rows: NDArray[np.intp], values: NDArray[np.float32]) -> None:
        self.pooled[rows] = values.mean(axis=(2, 3), dtype=np.float64)
        if self.maps is not None:
            self.maps[rows] = values


@dataclass
class _Shelf:
    """Rows of one array that the cache keeps by image."""

    cache: Cache
    key: str
    digests: list[str]
    values: NDArray[np.float32]
    """(N, D)"""
    known: NDArray[np.bool_] = field(init=False)
    _new: list[int] = field(init=False, default_factory=list)

    def recall(self) -> NDArray[np.bool_]:
        """Fill in what the cache holds; return (N,) which rows that is."""
        self.known = self.cache.fill(self.key, self.digests, self.values)
        return self.known.copy()

    def put(self, rows: NDArray[np.intp]) -> None:
        """Note rows that are filled now."""
        self._new += [row for row in rows.tolist() if not self.known[row]]
        if len(self._new) * self.values.shape[1] * self.values.itemsize >= KEEP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write to the cache what was noted since."""
        rows, self._new = self._new, []
        self.cache.keep_answers(self.key, [self.digests[row] for row in rows], self.values[rows])
        self.known[rows] = True


def _reserve(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return an array in a new file that there is room for."""
    try:
        maps = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        if sys.platform == "linux":
            with path.open("r+b") as file:  # running out of room must be an error here, not a SIGBUS later
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        size = 4 * np.prod(shape, dtype=np.float64) / 1e9
        raise Inconclusive(
            f"no room for feature maps of {shape[0]:,} images ({size:.3g} GB): {error}",
            hint="set TMPDIR to a folder with room, or take fewer images with --limit",
        ) from None
    return maps


def _pixels(laid: Laid, candidate: Entrant) -> Pixels:
    """Return where images come from, fitted to the candidate's card; as they are laid out where that is the same."""
    card = candidate.require_card().card.input
    if geometry(card) == geometry(laid.card.input):
        ready: NDArray[np.uint8] = np.load(laid.material.pixels, mmap_mode="r", allow_pickle=False)
        return lambda row: ready[row]
    source, ids = laid.images.source, laid.images.samples.ids
    return lambda row: fit(read_pixels(source, laid.indices[row]), card, ids[laid.indices[row]])
