"""The images of one set that most resemble each image of another: products of short vectors, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vetgate_hygiene.descriptor import COARSE, SEARCHED, describe, mirror, used_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS, COLUMNS = 256, 1024
"""Of a block: its products stay in the processor's cache."""
LEAST = 0.7
"""Product of coarse vectors below which two images are never compared: planted copies reach 0.8 and more."""


class _Best:
    """The most alike columns of each of a few rows, kept while blocks come by."""

    def __init__(self, rows: int, most: int) -> None:
        self._most = most
        self.least = np.full(rows, LEAST, dtype=np.float32)
        """(rows,) what a product must exceed to be kept."""
        self._found: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]] = []
        self._pending = 0

    def add(self, products: NDArray[np.float32], start: int) -> None:
        """Take in a block of products (rows, columns) whose first column is `start`."""
        rows, columns = np.nonzero(products > self.least[:, np.newaxis])
        if len(rows):
            self._found.append((rows, columns + start, products[rows, columns]))
            self._pending += len(rows)
        if self._pending > 4 * self._most * len(self.least):
            self.settle()

    def settle(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
        """Return (P,) rows, columns and products of what is left: at most so many a row, each pair once."""
        if not self._found:
            empty = np.zeros(0, dtype=np.intp)
            return empty, empty, np.zeros(0, dtype=np.float32)
        rows, columns, products = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        order = np.lexsort((-products, columns, rows))
        rows, columns, products = rows[order], columns[order], products[order]
        first = np.ones(len(rows), dtype=np.bool_)
        first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        rows, columns, products = rows[first], columns[first], products[first]
        order = np.lexsort((columns, -products, rows))
        rows, columns, products = rows[order], columns[order], products[order]
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
        kept = rank < self._most
        last = rank == self._most - 1
        self.least[rows[last]] = np.maximum(self.least[rows[last]], products[last])
        self._found = [(rows[kept], columns[kept], products[kept])]
        self._pending = int(np.count_nonzero(kept))
        return self._found[0]


def find_alike(
    queries: NDArray[np.uint8], base: NDArray[np.uint8], most: int, *, same: bool = False
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (P,) positions of pairs worth a closer look: for each query its `most` closest images of the base.

    Both ways round, and with either of the two cropped a little.

    Args:
        queries: (Q, SIDE, SIDE) sketches.
        base: (B, SIDE, SIDE) sketches.
        most: Pairs a query.
        same: Whether both are one set, so that an image is no pair with itself, and the order in a pair says nothing.
    """
    ours, theirs = _describe(queries), _describe(base)
    used = (mirror(COARSE) > 0) & used_by(COARSE), (mirror(COARSE) < 0) & used_by(COARSE)
    # An image cropped against another whole, and the other way round, which in one set the other's row says.
    ways = [(at, 0) for at in range(len(SEARCHED))] + [(0, at) for at in range(1, len(SEARCHED)) if not same]
    split = [(_by_window(ours, part), _by_window(theirs, part)) for part in used]
    rows, columns = [], []
    for start in range(0, len(queries), ROWS):
        best = _Best(len(queries[start : start + ROWS]), most)
        for at in range(0, len(base), COLUMNS):
            for mine, other in ways:
                even, odd = (
                    left[mine, start : start + ROWS] @ right[other, at : at + COLUMNS].T for left, right in split
                )
                products = np.add(even, np.abs(odd, out=odd), out=even)  # the better of both ways round
                if same:
                    _forget_itself(products, start, at)
                best.add(products, at)
        found, alike, _ = best.settle()
        rows.append(found + start)
        columns.append(alike)
    if not rows:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    return np.concatenate(rows), np.concatenate(columns)


def _describe(sketches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, W, COARSE * COARSE), made in parts that keep intermediate arrays small."""
    out = np.empty((len(sketches), len(SEARCHED), COARSE * COARSE), dtype=np.float32)
    for start in range(0, len(sketches), COLUMNS):
        out[start : start + COLUMNS] = describe(sketches[start : start + COLUMNS], SEARCHED, COARSE)
    return out


def _by_window(vectors: NDArray[np.float32], part: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return (W, N, D) some columns of (N, W, all), each window's in one piece."""
    return np.ascontiguousarray(vectors[..., part].transpose(1, 0, 2))


def _forget_itself(products: NDArray[np.float32], row: int, column: int) -> None:
    """Take the pairs of an image with itself out of a block that starts at a row and a column; in place."""
    rows = np.arange(len(products))
    own = rows + row - column
    inside = (own >= 0) & (own < products.shape[1])
    products[rows[inside], own[inside]] = -1
