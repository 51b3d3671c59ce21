"""How a figure of this run stands to the same figure of another run: the difference or quotient, and its uncertainty.

Paired where both runs kept an answer for every image, for then the difference is that of two indicators on the same
images. Else each run's own one-sided bounds are combined by MOVER, which takes them for independent and is wider than
need be where both rest on the same images and go together.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from vetgate.domain.evidence import (
    Counts,
    Exact,
    Looks,
    Measurement,
    PairedCounts,
    Pairs,
    PerImage,
    Quantiles,
    Uncertainty,
    Unstated,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vetgate.statistics import Bounds

CONFIDENCES = (0.9, 0.95, 0.975, 0.99, 0.995, 0.999)
"""Levels whose bounds every unpaired comparison states, so that another policy may judge it."""
_SAME_LEVEL = 1e-9


def paired(now: PerImage, then: PerImage) -> PairedCounts:
    """Return how often only one of two runs has a yes, over the same images in the same order.

    Returns:
        b images with a yes only then, c with one only now.

    Raises:
        ValueError: The runs hold different numbers of images, or the bits of one are not that many.
    """
    import numpy as np

    if now.n != then.n:
        raise ValueError(f"{now.n:,} images against {then.n:,}")
    mine, other = _bits(now), _bits(then)
    down, up = np.count_nonzero(other & ~mine), np.count_nonzero(mine & ~other)
    return PairedCounts(b=int(down), c=int(up), n=now.n)


def count(kept: PerImage) -> int:
    """Return how many images have a yes.

    Raises:
        ValueError: The bits are not as many as the images.
    """
    return int(_bits(kept).sum())


def _bits(kept: PerImage) -> NDArray[np.bool_]:
    """Return (N,) whether each image has a yes."""
    import numpy as np

    try:
        content = base64.b64decode(kept.bits, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("its answers per image are no base64") from None
    if len(content) != -(-kept.n // 8):
        raise ValueError(
            f"its answers per image are {len(content):,} bytes, but {kept.n:,} images need {-(-kept.n // 8):,}"
        )
    bits = np.unpackbits(np.frombuffer(content, dtype=np.uint8))
    if bits[kept.n :].any():
        raise ValueError(f"its answers per image go on after image {kept.n:,}, the last")
    return bits[: kept.n].astype(np.bool_)


def difference(now: Measurement, then: Measurement, confidences: Iterable[float]) -> Uncertainty:
    """Return the uncertainty of `now` minus `then`, from the one-sided bounds of each.

    Args:
        now: This run's figure.
        then: The other run's, in the same unit.
        confidences: Levels asked for, each in (0.5, 1), besides the usual ones.
    """
    return _combined(now, then, confidences, _minus)


def quotient(now: Measurement, then: Measurement, confidences: Iterable[float]) -> Uncertainty:
    """Return the uncertainty of `now` over `then`, both above 0: that of the difference of their logarithms."""
    return _combined(now, then, confidences, _over)


def lacking(uncertainty: Uncertainty, confidences: Iterable[float]) -> tuple[float, ...]:
    """Return the levels asked for at which a figure has no bounds."""
    if not isinstance(uncertainty, Quantiles):
        return tuple(confidences) if isinstance(uncertainty, Unstated) else ()
    known = uncertainty.levels
    return tuple(level for level in confidences if not any(abs(level - other) < _SAME_LEVEL for other in known))


def _combined(
    now: Measurement, then: Measurement, confidences: Iterable[float], combine: Callable[[Bounds, Bounds], Bounds]
) -> Uncertainty:
    if isinstance(now.uncertainty, Exact) and isinstance(then.uncertainty, Exact):
        return Exact()
    found: dict[float, float] = {}
    for confidence in sorted({*CONFIDENCES, *confidences}):
        mine, other = _bounds(now, confidence), _bounds(then, confidence)
        if mine is None or other is None:
            continue
        bounds = combine(mine, other)
        if math.isfinite(bounds.lower) and math.isfinite(bounds.upper):
            found |= {round(1.0 - confidence, 12): bounds.lower, round(confidence, 12): bounds.upper}
    levels = sorted(found)
    if not levels:
        return Unstated()
    return Quantiles(levels=tuple(levels), values=tuple(found[level] for level in levels), method="MOVER of two runs")


def _minus(now: Bounds, then: Bounds) -> Bounds:
    from vetgate.statistics import Bounds, mover_sum

    return mover_sum([now, Bounds(-then.estimate, -then.upper, -then.lower, then.method)])


def _over(now: Bounds, then: Bounds) -> Bounds:
    from vetgate.statistics import Bounds

    logs = _minus(_log(now), _log(then))
    return Bounds(math.exp(logs.estimate), _exp(logs.lower), _exp(logs.upper), logs.method)


def _log(bounds: Bounds) -> Bounds:
    from vetgate.statistics import Bounds

    lower = math.log(bounds.lower) if bounds.lower > 0 else -math.inf
    return Bounds(math.log(bounds.estimate), lower, math.log(bounds.upper), bounds.method)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _bounds(figure: Measurement, confidence: float) -> Bounds | None:
    """Return one-sided bounds of a figure that hold its value; None where it states none at this level."""
    from vetgate.statistics import Bounds, betting_bounds, paired_bounds, proportion_bounds, sign_bounds

    value = figure.value
    match figure.uncertainty:
        case Exact():
            return Bounds(value, value, value, "exact")
        case Counts(k=k, n=n):
            found = proportion_bounds(k, n, confidence)
        case PairedCounts(b=b, c=c, n=n):
            found = paired_bounds(b, c, n, confidence)
        case Pairs(log_ratios=log_ratios):
            found = sign_bounds(log_ratios, confidence)
        case Looks(down=down, up=up, n=n):
            found = betting_bounds(up, n, confidence, down)
        case Quantiles(levels=levels, values=values):
            known = dict(zip((round(level, 9) for level in levels), values, strict=False))
            lower, upper = known.get(round(1.0 - confidence, 9)), known.get(round(confidence, 9))
            if lower is None or upper is None:
                return None
            found = Bounds(value, lower, upper, "quantiles")
        case _:
            return None
    # MOVER wants the estimate inside: of a ratio that drifted, or after a look that went too far, it can lie outside.
    return Bounds(value, min(found.lower, value), max(found.upper, value), found.method)
