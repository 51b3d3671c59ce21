"""Images for training and calibration, fitted once to a card and laid out in files that children map into memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.card import Input
from vetgate.domain.errors import DataError, Inconclusive, UnreadableImage
from vetgate.domain.samples import SampleSet
from vetgate.inference.commission import Material
from vetgate.inference.prepare import bytes_of_image, fit, read_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EVERY = 500
"""Images between two words of progress."""


def lay_out(
    source: SampleSet,
    indices: Sequence[int],
    labels: NDArray[np.int64] | None,
    card: Input,
    stem: Path,
    tell: Callable[[int, int], None],
) -> Material:
    """Write images as they reach the card's scaling, and their labels, to two files.

    Args:
        source: The opened data.
        indices: (N,) which of its samples.
        labels: (N,) of these, in the reference's class order, or None.
        card: The input part of the reference's card.
        stem: Path of the files without their endings.
        tell: Told (done, total) images.

    Raises:
        DataError: An image cannot be read, or does not fit the card.
        Inconclusive: There is no room for the files.
    """
    pixels, truth = stem.with_suffix(".pixels.npy"), stem.with_suffix(".labels.npy")
    shape = (len(indices), *card.size, card.channels)
    bytes_of_image(card)
    try:
        laid = np.lib.format.open_memmap(pixels, mode="w+", dtype=np.uint8, shape=shape)
        if sys.platform == "linux":
            with pixels.open("r+b") as file:  # else a full disk shows at a write to memory, and ends the process
                os.posix_fallocate(file.fileno(), 0, pixels.stat().st_size)
        for row, index in enumerate(indices):
            laid[row] = _fitted(source, index, card)
            if row % _EVERY == 0:
                tell(row, len(indices))
        laid.flush()
        if labels is not None:
            np.save(truth, labels.astype(np.int64), allow_pickle=False)
    except OSError as error:
        raise Inconclusive(
            f"{len(indices)} images cannot be laid out: {error}", hint="set TMPDIR to a folder with room"
        ) from None
    tell(len(indices), len(indices))
    return Material(pixels=str(pixels), labels=None if labels is None else str(truth))


def _fitted(source: SampleSet, index: int, card: Input) -> NDArray[np.uint8]:
    name = source.samples.ids[index]
    try:
        return fit(read_pixels(source, index), card, name)
    except UnreadableImage as error:
        raise DataError(
            f"image {name!r} to train or calibrate on cannot be read: {error}", hint="mend or remove it"
        ) from None
