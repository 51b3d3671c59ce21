"""P-values corrected for looking at many figures at once.

Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979),
65-70. It needs no independence: figures of the same images go together.
"""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return corrected p-values, in the order given.

    Args:
        p_values: m p-values, each in [0, 1].

    Returns:
        For the i-th smallest (from 0 on) the largest of (m - j) p_j over j <= i, at most 1. Of all m true null
        hypotheses together, the chance that any has a corrected p of at most a is at most a.

    Raises:
        ValueError: A p-value is outside [0, 1].
    """
    for p in p_values:
        if not 0 <= p <= 1:  # also NaN
            raise ValueError(f"p-values must be in [0, 1], got {p}")
    corrected, largest = [1.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = largest
    return corrected
