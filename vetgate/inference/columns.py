"""Columns by which figures are sliced: metadata as it stands, numbers in quarters, and how images look. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vetgate.domain.evidence import LOOKS_OF_IMAGES
from vetgate.domain.predictions import Column

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
MOST_DISTINCT = 20
"""Distinct numbers of a metadata column up to which each is a value of its own."""
_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""
_WORDS = {
    "brightness": "mean luma, 0 is black and 1 is white",
    "contrast": "standard deviation of luma, where 0 is black and 1 is white",
    "size": "pixels",
}


def looks_of_image(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (3,) brightness, contrast and size of one decoded image, in the order of LOOKS_OF_IMAGES.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB.

    Returns:
        Mean luma in [0, 1]; its standard deviation in [0, 0.5]; pixels.
    """
    if pixels.ndim == 2:
        luma = pixels.astype(np.float32)
    else:  # channel by channel, for a photograph in float64 takes some hundred megabytes
        luma = np.zeros(pixels.shape[:2], dtype=np.float32)
        for channel, weight in enumerate(_LUMA):
            luma += np.float32(weight) * pixels[..., channel]
    mean, spread = luma.mean(dtype=np.float64) / 255, luma.std(dtype=np.float64) / 255
    return np.array([mean, spread, luma.size], dtype=np.float32)


def column_of_looks(name: str, looks: NDArray[np.float32]) -> Column:
    """Return brightness, contrast or size cut into quarters.

    Args:
        name: One of LOOKS_OF_IMAGES.
        looks: (N, 3) from `looks_of_image`; NaN for images that cannot be decoded.
    """
    values = looks[:, LOOKS_OF_IMAGES.index(name)].astype(np.float64)
    return column_of_quarters(values, f"{name} ({_WORDS[name]})")


def column_of_metadata(name: str, values: Sequence[str]) -> Column:
    """Return a metadata column; one of numbers with more than 20 distinct ones is cut into quarters.

    Args:
        name: The column.
        values: (N,) of the images of the run; an empty one is missing.
    """
    given = [value.strip() for value in values]
    numbers = _numbers(given)
    if numbers is not None and len(np.unique(numbers[np.isfinite(numbers)])) > MOST_DISTINCT:
        return column_of_quarters(numbers, name)
    distinct = {value for value in given if value}
    ordered = sorted(distinct, key=float) if numbers is not None else sorted(distinct)
    place = {value: code for code, value in enumerate(ordered)}
    return Column(tuple(ordered), np.asarray([place.get(value, -1) for value in given], dtype=np.int64))


def column_of_quarters(values: NDArray[np.float64], words: str) -> Column:
    """Return numbers cut into quarters by rank; equal numbers stay together, so that quarters may differ in size.

    Args:
        values: (N,) NaN where an image has none.
        words: What the numbers are, for the note.
    """
    there = np.isfinite(values)
    codes = np.full(len(values), -1, dtype=np.int64)
    if not there.any():
        return Column(QUARTERS, codes, f"quarters of {words}, which no image has")
    edges = np.quantile(values[there], (0.25, 0.5, 0.75), method="inverted_cdf")
    codes[there] = np.searchsorted(edges, values[there], side="left")
    told = ", ".join(f"{edge:.4g}" for edge in edges)
    return Column(QUARTERS, codes, f"quarters of {words}, which end at {told}")


def pick(column: Column, rows: NDArray[np.intp]) -> Column:
    """Return a column of some of the images; every value keeps its place."""
    return Column(column.values, column.codes[rows], column.note)


def count_values(column: Column) -> dict[str, int]:
    """Return how many images have each value."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))
    return dict(zip(column.values, counts.tolist(), strict=True))


def _numbers(given: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the values as numbers, NaN for a missing one; None where one is no finite number."""
    numbers = []
    for value in given:
        try:
            number = float(value) if value else math.nan
        except ValueError:
            return None
        if value and not math.isfinite(number):
            return None
        numbers.append(number)
    return np.asarray(numbers, dtype=np.float64)
