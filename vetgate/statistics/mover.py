"""Bounds of a sum of independent figures from the bounds of each.

Source: G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a general
    approach", Statistics in Medicine 27 (2008), 1693-1702 ("method of variance estimates recovery", MOVER).
"""

import math
from collections.abc import Sequence

from vetgate.statistics.bounds import Bounds


def mover_sum(parts: Sequence[Bounds]) -> Bounds:
    """Return bounds of a sum, L = s - sqrt(sum (s_k - L_k)^2) and U = s + sqrt(sum (U_k - s_k)^2).

    Args:
        parts: Bounds of each term, all at the same level and from independent data.

    Returns:
        Bounds of the sum at that level, approximately; infinite on a side where a term's bound is.

    Raises:
        ValueError: No term is given, or a term's estimate is not finite or lies outside its own bounds.
    """
    if not parts:
        raise ValueError("parts is empty (0 terms), but a sum needs at least 1")
    for part in parts:
        if not (math.isfinite(part.estimate) and part.lower <= part.estimate <= part.upper):
            raise ValueError(f"estimate is {part.estimate}, but its bounds are {part.lower} and {part.upper}")
    total = math.fsum(part.estimate for part in parts)
    down = math.hypot(*(part.estimate - part.lower for part in parts))
    up = math.hypot(*(part.upper - part.estimate for part in parts))
    methods = " + ".join(dict.fromkeys(part.method for part in parts))
    return Bounds(total, total - down, total + up, f"MOVER of {methods}")
