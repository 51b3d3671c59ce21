"""Which images of a set stand in another, or twice in it: copies by digest, near copies by search and comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vetgate_hygiene.compare import likeness, screen
from vetgate_hygiene.search import find_alike

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vetgate.api import SketchedImages

SURE = 0.98
"""Likeness from which two images are near copies whatever else resembles them; see benchmarks/hygiene."""
LIKELY = 0.93
"""Likeness from which they are where nothing else comes close, as among natural images; shirts resemble each other."""
STANDS_OUT = 0.2
"""What is left to a likeness of 1, at most this share of what is left for the third most alike image."""
MOST = 8
"""Images of the other set that are looked at for each."""
COMPARED = 3
"""Of these, by all crops."""
WORTH = 0.5
"""Likeness by few crops below which all crops would not make a near copy of it."""

_KEY = np.dtype([(name, "<u8") for name in "abcd"])


@dataclass(frozen=True)
class Pair:
    """Two images that are copies."""

    first: int
    """Position in the set that is vetted."""
    second: int
    """Position in the other set, or in the same."""
    likeness: float
    """1 for a copy."""
    exact: bool


@dataclass(frozen=True)
class _Distinct:
    """The distinct readable images of a set, in the order of their digests, so that the order of a set says nothing."""

    rows: NDArray[np.intp]
    """(D,) one position for each; the one with the first id."""
    sketches: NDArray[np.uint8]
    """(D, SIDE, SIDE)"""
    of: NDArray[np.intp]
    """(N,) which of them each image is; -1 for one that cannot be read."""
    keys: NDArray[np.void]
    """(D,) digests, ascending."""


def find_overlap(vetted: SketchedImages, other: SketchedImages) -> tuple[Pair, ...]:
    """Return, for each vetted image that stands in another set, the image there that it resembles most."""
    ours, theirs = _distinct(vetted), _distinct(other)
    match, how = np.full(len(ours.keys), -1, dtype=np.intp), np.zeros(len(ours.keys))
    _, mine, other_place = np.intersect1d(ours.keys, theirs.keys, assume_unique=True, return_indices=True)
    match[mine], how[mine] = other_place, 1.0
    same = match >= 0
    left = np.flatnonzero(~same)
    found, columns, scores = _near(ours.sketches[left], theirs.sketches, same=False)
    order = np.lexsort((columns, -scores, found))
    for at in order[::-1].tolist():  # the best of each comes last
        match[left[found[at]]], how[left[found[at]]] = columns[at], scores[at]
    return tuple(
        Pair(row, int(theirs.rows[match[of]]), float(how[of]), bool(same[of]))
        for row, of in enumerate(ours.of.tolist())
        if of >= 0 and match[of] >= 0
    )


def find_duplicates(images: SketchedImages) -> tuple[Pair, ...]:
    """Return the pairs of a set that are copies: each further copy with the first, and each pair of near copies."""
    distinct = _distinct(images)
    pairs = [
        Pair(int(distinct.rows[of]), row, 1.0, exact=True)
        for row, of in enumerate(distinct.of.tolist())
        if of >= 0 and distinct.rows[of] != row
    ]
    rows, columns, scores = _near(distinct.sketches, distinct.sketches, same=True)
    best: dict[tuple[int, int], float] = {}
    for row, column, score in zip(rows.tolist(), columns.tolist(), scores.tolist(), strict=True):
        key = (min(row, column), max(row, column))
        best[key] = max(score, best.get(key, 0.0))
    near = (Pair(int(distinct.rows[a]), int(distinct.rows[b]), score, exact=False) for (a, b), score in best.items())
    return (*pairs, *sorted(near, key=lambda pair: (-pair.likeness, images.ids[pair.first], images.ids[pair.second])))


def copies_within(images: SketchedImages, pairs: tuple[Pair, ...]) -> NDArray[np.bool_]:
    """Return (N,) which images have a copy in their set.

    Args:
        images: The set.
        pairs: From `find_duplicates`.
    """
    distinct = _distinct(images)
    twice = np.zeros(len(distinct.rows), dtype=np.bool_)
    for pair in pairs:
        twice[distinct.of[[pair.first, pair.second]]] = True
    inside = distinct.of >= 0
    out = np.zeros(len(images), dtype=np.bool_)
    out[inside] = twice[distinct.of[inside]]
    return out


def _distinct(images: SketchedImages) -> _Distinct:
    rows = np.asarray(sorted(np.flatnonzero(images.readable).tolist(), key=lambda row: images.ids[row]), dtype=np.intp)
    # Four numbers of 64 bits, ordered as such: bytes of a fixed length would lose zeros at their end.
    digests = np.ascontiguousarray(images.pixels[rows]).view(">u8").astype("<u8").view(_KEY).reshape(-1)
    keys, first, of = np.unique(digests, return_index=True, return_inverse=True)
    whole = np.full(len(images), -1, dtype=np.intp)
    whole[rows] = of.reshape(-1)
    return _Distinct(rows[first], images.sketches[rows[first]], whole, keys)


def _near(
    queries: NDArray[np.uint8], base: NDArray[np.uint8], *, same: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return (P,) positions and likeness of pairs that are near copies."""
    rows, columns = find_alike(queries, base, MOST, same=same)
    scores = np.zeros(len(rows))
    for part in _parts(len(rows)):
        scores[part] = screen(queries[rows[part]], base[columns[part]])
    rows, columns, scores, rank = _ranked(rows, columns, scores)
    close = np.flatnonzero((rank < COMPARED) & (scores >= WORTH))
    for part in _parts(len(close)):
        at = close[part]
        scores[at] = likeness(queries[rows[at]], base[columns[at]])
    rows, columns, scores, rank = _ranked(rows, columns, scores)
    third = np.zeros(len(queries))
    at = rank == COMPARED - 1
    third[rows[at]] = scores[at]
    near = (scores >= SURE) | ((scores >= LIKELY) & (1 - scores <= STANDS_OUT * (1 - third[rows])))
    return rows[near], columns[near], scores[near]


def _ranked(
    rows: NDArray[np.intp], columns: NDArray[np.intp], scores: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
    """Return pairs by row, the most alike first, and the rank of each in its row from 0."""
    order = np.lexsort((columns, -scores, rows))
    rows, columns, scores = rows[order], columns[order], scores[order]
    return rows, columns, scores, np.arange(len(rows)) - np.searchsorted(rows, rows)


def _parts(count: int, size: int = 4096) -> list[slice]:
    return [slice(start, min(count, start + size)) for start in range(0, count, size)]
