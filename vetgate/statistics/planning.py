"""How many images or timing pairs a rule needs before it can be settled.

Each answer is the number at which the rule settles with the given power IF the truth is as assumed; it is a
plan, not a bound. Sizes for paired proportions: R. J. Connor, "Sample size for testing differences in
proportions for the paired-sample design", Biometrics 43 (1987), with the margin as the difference to detect.
"""

import math

from scipy.special import bdtr, ndtri

from vetgate.statistics.domain import check_confidence, check_fraction, round_up
from vetgate.statistics.exact import NUISANCE_MISS, exact_bounds
from vetgate.statistics.ratio import sign_test_rank

SCANNED_PAIRS = 2_000
"""Up to about here each number of pairs is tried by the exact binomial, beyond it the normal formula does."""


def images_needed(discordance: float, margin: float, confidence: float, power: float = 0.8) -> int:
    """Return the images after which an equal candidate probably passes `at_least -margin`.

    Args:
        discordance: Share of images that exactly one of the models has right, in (0, 1).
        margin: Loss of accuracy that the rule allows, in (0, 1): 0.01 for 1 point.
        confidence: Level 1 - a of the rule, in (0.5, 1).
        power: Chance that the rule passes if the true difference is 0, in (0, 1).

    Returns:
        N = (z_(1-a) + z_power)^2 discordance / margin^2, and no fewer than for identical models: at 95 % and
        80 % power 1,237, 3,092 and 6,183 for 1 point at 2, 5 and 10 %.

    Raises:
        ValueError: An argument is outside its domain, or the confidence is above 1 - 1e-6.
    """
    check_fraction("discordance", discordance)
    check_fraction("power", power)
    fewest = images_needed_identical(margin, confidence)
    reach = float(ndtri(confidence) + ndtri(power))
    return max(fewest, round_up(max(reach, 0.0) ** 2 * discordance / margin**2))


def images_needed_identical(margin: float, confidence: float) -> int:
    """Return the images after which a candidate that never disagrees passes `at_least -margin`.

    Args:
        margin: Loss of accuracy that the rule allows, in (0, 1): 0.01 for 1 point.
        confidence: Level 1 - a of the rule, in (0.5, 1).

    Returns:
        The least n at which paired_bounds(0, 0, n) passes. For 1 point 299 at 95 %, the least with
        (1 - margin)^n <= a, and 496 at 99 %, 8 % more than that. (Tango's score bound alone passes from 268
        on at 95 %, and errs in 6.8 % of runs.)

    Raises:
        ValueError: An argument is outside its domain, or the confidence is so near 1 that no n would do.
    """
    check_fraction("margin", margin)
    check_confidence(confidence)
    error = 1.0 - confidence - NUISANCE_MISS
    if error <= 0.0:
        raise ValueError(f"confidence is {confidence}, but the exact test reaches only {1.0 - NUISANCE_MISS}")
    enough = fewest = round_up(math.log(error) / math.log1p(-margin))
    while exact_bounds(0, 0, enough, confidence).lower <= -margin:
        fewest, enough = enough + 1, 2 * enough
    while fewest < enough:
        middle = (fewest + enough) // 2
        if exact_bounds(0, 0, middle, confidence).lower <= -margin:
            fewest = middle + 1
        else:
            enough = middle
    return enough


def images_needed_proportion(estimate: float, threshold: float, confidence: float, power: float = 0.8) -> int:
    """Return the images after which a rule on a single proportion is probably settled.

    Args:
        estimate: The proportion assumed to be true, in [0, 1].
        threshold: The rule's threshold, in (0, 1).
        confidence: Level 1 - a of the rule, in (0.5, 1).
        power: Chance that the rule is then settled, in (0, 1).

    Returns:
        N = (z_(1-a) sqrt(t (1 - t)) + z_power sqrt(e (1 - e)))^2 / (e - t)^2, by the normal approximation.

    Raises:
        ValueError: An argument is outside its domain, or the estimate is the threshold itself.
    """
    check_fraction("threshold", threshold)
    check_confidence(confidence)
    check_fraction("power", power)
    if not 0.0 <= estimate <= 1.0:
        raise ValueError(f"estimate is {estimate}, but it must lie between 0 and 1")
    if estimate == threshold:
        raise ValueError(f"estimate is {estimate} and so is threshold {threshold}: no n would settle that")
    at_threshold = float(ndtri(confidence)) * math.sqrt(threshold * (1.0 - threshold))
    at_estimate = float(ndtri(power)) * math.sqrt(estimate * (1.0 - estimate))
    return round_up((max(at_threshold + at_estimate, 0.0) / (estimate - threshold)) ** 2)


def pairs_needed(share: float, confidence: float, power: float = 0.8) -> int:
    """Return the timing pairs after which a rule on a latency ratio is probably settled.

    Args:
        share: Share of pairs expected on one side of the rule's threshold, in [0, 1] and not 0.5: 0.5 is a
            true ratio at the threshold, 1 a candidate on the right side in every pair. Estimate it from pairs
            seen.
        confidence: Level 1 - a of the rule, in (0.5, 1).
        power: Chance that the rule is then settled, in (0, 1).

    Returns:
        The least number of pairs at which median_ratio_bounds excludes the threshold with that chance: by the
        exact binomial up to some 2,000 pairs, by its normal approximation beyond. Deciding while pairs come
        in costs more.

    Raises:
        ValueError: An argument is outside its domain, or the share is 0.5.
    """
    check_confidence(confidence)
    check_fraction("power", power)
    if not 0.0 <= share <= 1.0 or share == 0.5:
        raise ValueError(f"share is {share}, but it must lie between 0 and 1 and differ from 0.5")
    share = max(share, 1.0 - share)
    reach = float(ndtri(confidence)) / 2.0 + float(ndtri(power)) * math.sqrt(share * (1.0 - share))
    approximate = round_up((max(reach, 0.0) / (share - 0.5)) ** 2)
    if approximate > SCANNED_PAIRS:
        return approximate
    n = 1
    while _settled(n, share, confidence) < power:
        n += 1
    return n


def _settled(n: int, share: float, confidence: float) -> float:
    rank = sign_test_rank(n, confidence)
    return float(bdtr(rank - 1, n, 1.0 - share)) if rank else 0.0
