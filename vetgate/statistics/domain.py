"""Refuse arguments that no interval is defined for."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_confidence(confidence: float) -> None:
    """Refuse a confidence outside (0.5, 1), where one-sided bounds lose their meaning.

    Raises:
        ValueError: The confidence is at or below 0.5, at or above 1, or not a number.
    """
    if not 0.5 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}, but it must lie between 0.5 and 1, both excluded")


def check_fraction(name: str, value: float) -> None:
    """Refuse a value outside (0, 1).

    Raises:
        ValueError: The value is at or below 0, at or above 1, or not a number.
    """
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} is {value}, but it must lie between 0 and 1, both excluded")


def check_difference(difference: float) -> None:
    """Refuse a difference of two proportions outside [-1, 1].

    Raises:
        ValueError: The difference is below -1, above 1, or not a number.
    """
    if not -1.0 <= difference <= 1.0:
        raise ValueError(f"difference is {difference}, but it must lie between -1 and 1")


def check_proportion_counts(successes: int, n: int) -> None:
    """Refuse counts that are no share of n.

    Raises:
        ValueError: n is below 1, or successes is negative or above n.
    """
    if n < 1:
        raise ValueError(f"n is {n} with {successes} successes, but n must be at least 1")
    if not 0 <= successes <= n:
        raise ValueError(f"successes is {successes} with n = {n}, but it must lie between 0 and n")


def check_discordant_counts(b: int, c: int) -> None:
    """Refuse negative counts of discordant images.

    Raises:
        ValueError: b or c is negative.
    """
    if b < 0 or c < 0:
        raise ValueError(f"b is {b} and c is {c}, but neither may be negative")


def check_paired_counts(b: int, c: int, n: int) -> None:
    """Refuse discordant counts that do not fit in n images.

    Raises:
        ValueError: n is below 1, b or c is negative, or b + c is above n.
    """
    check_discordant_counts(b, c)
    if n < 1:
        raise ValueError(f"n is {n} with b + c = {b + c}, but n must be at least 1")
    if b + c > n:
        raise ValueError(f"b + c is {b + c} (b = {b}, c = {c}), but n is only {n}")


def sorted_finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return the values as float64 in ascending order, shape (N,).

    Raises:
        ValueError: The values are not one-dimensional, are empty, or hold a NaN or an infinity.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, but one dimension with at least 1 value is needed")
    wrong = int(np.count_nonzero(~np.isfinite(array)))
    if wrong:
        raise ValueError(f"{name} holds {wrong} values of {array.size} that are not finite")
    return np.sort(array)


def round_up(count: float) -> int:
    """Return the least whole number that is not below count, forgiving rounding noise of 1e-9."""
    return max(1, math.ceil(count - 1e-9))
