"""What two pictures of the same thing have in common, as a unit vector.

The discrete cosine transform of a 32 x 32 sketch is cut into rings of one spatial frequency each, and every ring is
brought to the same length: the product of two vectors is then the mean correlation over rings, as in Fourier ring
correlation (van Heel and Schatz, "Fourier shell correlation threshold criteria", J. Struct. Biol. 2005), here of
cosines. What a resize, a blur or a gain does to an image is a factor for each ring, and falls out; brightness is the
constant, and is left out. A 64-bit hash keeps the signs of 8 x 8 of these numbers; on images of 28 x 28 pixels these
signs are those of the outline, which every second pair of trousers shares.

Mirroring a picture changes the sign of its odd columns, so that both ways round come from one vector.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import dct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIDE = 32
"""Rows and columns of a sketch."""
COARSE, FINE = 8, 16
"""Frequencies in each direction that the search and the comparison go by; 16 is the last that 28 pixels tell well."""
NOISE = 5.0
"""Grey levels, standard deviation: what rounding and JPEG leave in a ring that is empty otherwise."""
BLANK = 0.25
"""Mean share of a ring that must be more than noise: below, an image shows nothing to compare."""

Window = tuple[float, float, float, float]
"""Shares that are cut off at the top, bottom, left and right."""

WHOLE: Window = (0.0, 0.0, 0.0, 0.0)
CUTS = (0.0, 0.05, 0.1)
GRID: tuple[Window, ...] = tuple((a, b, c, d) for a in CUTS for b in CUTS for c in CUTS for d in CUTS)
"""Crops of up to a tenth at each side."""
SEARCHED: tuple[Window, ...] = (WHOLE, (0.05, 0.05, 0.05, 0.05), (0.1, 0.1, 0.1, 0.1))
"""Few crops, one of them near any."""


def describe(sketches: NDArray[np.uint8], windows: Sequence[Window], order: int) -> NDArray[np.float32]:
    """Return (N, W, order * order) unit vectors of parts of N sketches; zeros where a part shows nothing.

    Args:
        sketches: (N, SIDE, SIDE).
        windows: The W parts.
        order: Frequencies in each direction.
    """
    rows = [_transform(window[0], window[1], order) for window in windows]
    columns = [_transform(window[2], window[3], order) for window in windows]
    images = sketches.astype(np.float32)
    out = np.empty((len(images), len(windows), order * order), dtype=np.float32)
    wide = {id(matrix): images @ matrix.T for matrix in columns}  # shared by windows with the same left and right
    for at, (row, column) in enumerate(zip(rows, columns, strict=True)):
        out[:, at] = (row @ wide[id(column)]).reshape(len(images), -1)
    return _even_out(out, order)


def mirror(order: int) -> NDArray[np.float32]:
    """Return (order * order,) the signs that turn a vector into that of the mirrored image."""
    return np.where(np.arange(order * order) % order % 2 == 1, -1, 1).astype(np.float32)


def used_by(order: int) -> NDArray[np.bool_]:
    """Return (order * order,) which entries are ever anything but zero: those in a whole ring."""
    return np.asarray(_rings(order)[0].max(axis=1) > 0)


@lru_cache(maxsize=64)
def _transform(first: float, last: float, order: int) -> NDArray[np.float32]:
    """Return (order, SIDE): cut, bring to SIDE again by linear interpolation, take the lowest frequencies."""
    centres = (np.arange(SIDE) + 0.5) * (1 - first - last) + first * SIDE - 0.5
    below = np.clip(np.floor(centres), 0, SIDE - 2).astype(np.intp)
    share = np.clip(centres - below, 0, 1)
    resample = np.zeros((SIDE, SIDE))
    np.add.at(resample, (np.arange(SIDE), below), 1 - share)
    np.add.at(resample, (np.arange(SIDE), below + 1), share)
    cosines = dct(np.eye(SIDE), axis=0, norm="ortho")[:order]
    return np.asarray(cosines @ resample, dtype=np.float32)


@lru_cache(maxsize=4)
def _rings(order: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (order * order, R) which coefficient is in which ring, and (R,) how many each has.

    Corners beyond the last whole ring are left out.
    """
    rows, columns = np.mgrid[:order, :order]
    radius = np.hypot(rows, columns).round().astype(np.intp).reshape(-1)
    member = (radius[:, np.newaxis] == np.arange(1, order)).astype(np.float32)
    return member, member.sum(axis=0)


def _even_out(vectors: NDArray[np.float32], order: int) -> NDArray[np.float32]:
    """Bring every ring to one length, and the vector to length 1; in place."""
    member, count = _rings(order)
    energy = (vectors**2) @ member
    scale = 1 / np.sqrt(energy + count * np.float32(NOISE**2))
    shown = (energy * scale**2).sum(axis=-1, keepdims=True)
    scale /= np.sqrt(np.maximum(shown, 1e-6))
    scale[shown[..., 0] < BLANK * (order - 1)] = 0
    vectors *= scale @ member.T
    return vectors
