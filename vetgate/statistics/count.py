"""The least number of images or pairs that will do."""

from collections.abc import Callable


def least_count(short: Callable[[float], bool], most: float) -> float:
    """Return where a count stops being too small, to half a one; a power of 2 from `most` on where it never does.

    Args:
        short: Whether a count is too small; stays false once it is.
        most: Where to stop looking.
    """
    high = 1.0
    while high < most and short(high):
        high *= 2.0
    low = high / 2.0
    while high - low > 0.5:
        middle = (low + high) / 2.0
        low, high = (middle, high) if short(middle) else (low, middle)
    return high
