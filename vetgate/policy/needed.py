"""How many images or timing pairs would probably settle an inconclusive rule."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from vetgate.domain.evidence import Counts, Looks, Measurement, PairedCounts, Pairs, Quantiles

if TYPE_CHECKING:
    from vetgate.statistics import Bounds

POWER = 0.8
"""Chance that the number named settles the rule, if the estimate is the truth."""
NEAREST = 1e-6
"""Nearer to its threshold than this an estimate needs more images than anyone has."""
SAME_WIDTH = 1e-6
"""Bounds this near, in proportion, are one: a report keeps their digits, and the level's are rounded."""
MOST_UNSEEN = 0.999
"""Share that a single image leaves open at any level in use."""
MOST = 10**9
"""Images or pairs that nobody has, from which on no number is named."""


def needed(measurement: Measurement, threshold: float, confidence: float, bounds: Bounds) -> int | None:
    """Return the images or pairs that would settle the rule with 80 % chance, if the estimate is the truth.

    Args:
        measurement: The figure as measured.
        threshold: The limit that is not settled, in the figure's unit.
        confidence: Level 1 - a of the rule.
        bounds: Of the figure at that level.

    Returns:
        More than were measured; None where no number can be given, as for an estimate at the threshold itself.
    """
    count = planned(measurement, threshold, confidence, bounds)
    return None if count is None else max(count, measurement.n + 1)


def planned(measurement: Measurement, threshold: float, confidence: float, bounds: Bounds) -> int | None:
    """Return the images or pairs that settle the rule with 80 % chance, if the estimate is the truth, however few.

    Args:
        measurement: The figure as measured.
        threshold: The limit, in the figure's unit.
        confidence: Level 1 - a of the rule.
        bounds: Of the figure at that level.

    Returns:
        None where no number can be given, as for an estimate at the threshold itself.
    """
    if abs(measurement.value - threshold) < NEAREST:
        return None
    try:
        count = _count(measurement, threshold, confidence, bounds)
    except ValueError:
        # The planning functions refuse an estimate at the threshold, and thresholds that no figure can pass.
        return None
    return None if count is None or count >= MOST else count


def _count(measurement: Measurement, threshold: float, confidence: float, bounds: Bounds) -> int | None:
    from vetgate.statistics import images_needed, images_needed_identical, images_needed_proportion, pairs_needed

    match measurement.uncertainty:
        case Counts(k=k, n=n):
            return images_needed_proportion(k / n, threshold, confidence, POWER)
        case PairedCounts(b=b, c=c, n=n):
            margin = abs((c - b) / n - threshold)
            if b + c == 0:
                return images_needed_identical(margin, confidence)
            return images_needed((b + c) / n, margin, confidence, POWER)
        case Looks(up=up, n=n, down=None):
            return expected_of_share(up[-1] / n[-1], threshold, confidence)
        case Looks(up=up, n=n, down=down) if down is not None:
            return _expected_of_difference(down[-1] / n[-1], up[-1] / n[-1], threshold, confidence)
        case Pairs(log_ratios=log_ratios):
            limit = math.log(threshold)
            return pairs_needed(sum(x > limit for x in log_ratios) / len(log_ratios), confidence, POWER)
        case _:
            return _by_width(measurement, threshold, confidence, bounds)


def expected_of_share(share: float, threshold: float, confidence: float) -> int:
    """Return the images after which a rule on a share is expected to be decided while they come in.

    Args:
        share: Taken to be the truth, in [0, 1].
        threshold: The rule's, in (0, 1).
        confidence: Level 1 - a of the rule.

    Returns:
        At least MOST where so many would not do.

    Raises:
        ValueError: The share is the threshold, or either is outside its domain: no number would do.
    """
    from vetgate.statistics import log_capitals

    if not 0.0 <= share <= 1.0 or not 0.0 < threshold < 1.0 or share == threshold:
        raise ValueError(f"share is {share} with threshold {threshold}: no number of images decides that")
    side, enough, high = 0 if share > threshold else 1, -math.log1p(-confidence), 1

    def short(images: int) -> bool:
        return bool(log_capitals(images * share, images, threshold)[side] < enough)

    while high < MOST and short(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if short(middle) else (low, middle)
    return high


def _expected_of_difference(losses: float, gains: float, threshold: float, confidence: float) -> int:
    """Return the same for a difference, from the shares of images that one model alone has right."""
    from vetgate.statistics import images_expected

    discordance, difference = losses + gains, gains - losses
    if threshold > 0.0:  # a gain of one model is a loss of the other, and margins are allowed losses
        return images_expected(discordance, threshold, confidence, -difference)
    return images_expected(discordance, -threshold, confidence, difference)


def images_unseen(share: float, confidence: float) -> int:
    """Return the least images without an event after which it has less than a share, at a confidence.

    A figure whose bounds lie 1 - a^(1/n) from it, since no image shows anything else, is settled by them.

    Args:
        share: In (0, 1).
        confidence: Level 1 - a of the rule.
    """
    return math.floor(math.log1p(-confidence) / math.log1p(-share)) + 1


def _times_unseen(measurement: Measurement, width: float, confidence: float) -> float | None:
    """Return how many times what images not seen could change a bound is away; None where resamples set it.

    What resamples of so few images alike would give is not told, and is less.
    """
    from vetgate.statistics import UNSEEN, unseen_share

    held = measurement.uncertainty
    if not isinstance(held, Quantiles) or measurement.n < 1:
        return None
    times = width / unseen_share(measurement.n, 1.0 - confidence)
    return times if held.method == UNSEEN or math.isclose(times, 1.0, rel_tol=SAME_WIDTH) else None


def _by_width(measurement: Measurement, threshold: float, confidence: float, bounds: Bounds) -> int | None:
    """Return the number by a bound that narrows with the root of the number, as a mean's does, or with the number."""
    distance = measurement.value - threshold
    width = measurement.value - bounds.lower if distance > 0 else bounds.upper - measurement.value
    if distance == 0 or not 0 < width < math.inf:
        return None
    if (unseen := _times_unseen(measurement, width, confidence)) is not None:
        return images_unseen(min(abs(distance) / unseen, MOST_UNSEEN), confidence)
    level = NormalDist().inv_cdf(confidence)
    times = width * (level + NormalDist().inv_cdf(POWER)) / level / abs(distance)
    return math.ceil(measurement.n * times**2) if times < MOST else None
