"""How many images or timing pairs a rule needs before it can be settled.

Each answer is the number at which the rule settles with the given power IF the truth is as assumed; it is a
plan, not a bound. Sizes for paired proportions: R. J. Connor, "Sample size for testing differences in
proportions for the paired-sample design", Biometrics 43 (1987), with the margin as the difference to detect.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, bdtrik, ndtri

from vetgate.statistics.count import least_count
from vetgate.statistics.domain import check_confidence, check_fraction, round_up
from vetgate.statistics.exact import NUISANCE_MISS, exact_bounds
from vetgate.statistics.signs import log_sign_capital, wins_needed

SCANNED_PAIRS = 3_000
"""Up to here the chance to have decided is computed pair by pair, beyond it the normal approximation does."""

MOST_PAIRS = 1e12
"""Nobody times more pairs."""

SCANNED_IMAGES = 100_000
"""Up to here each number of images is tried by the exact binomial, beyond it the normal formula does."""


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
        The least n from 0.9 times the normal formula on, N = (z_(1-a) sqrt(t (1 - t)) + z_power sqrt(e (1 - e)))^2 /
        (e - t)^2, at which proportion_bounds excludes the threshold with that chance, by the exact binomial; N itself
        beyond 100,000. For an estimate of 1 and a threshold of 99 % at 95 %: 299.

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
    if estimate < threshold:
        estimate, threshold = 1.0 - estimate, 1.0 - threshold
    at_threshold = float(ndtri(confidence)) * math.sqrt(threshold * (1.0 - threshold))
    at_estimate = float(ndtri(power)) * math.sqrt(estimate * (1.0 - estimate))
    formula = round_up((max(at_threshold + at_estimate, 0.0) / (estimate - threshold)) ** 2)
    if formula > SCANNED_IMAGES:
        return formula
    first = max(1, int(0.9 * formula))
    while True:
        n = np.arange(first, first + 256)
        enough = _exceeded(n, estimate, threshold, confidence) >= power
        if enough.any():
            return int(n[enough.argmax()])
        first = int(n[-1]) + 1


def pairs_needed(share: float, confidence: float, power: float = 0.8) -> int:
    """Return the timing pairs after which betting on signs has probably decided a rule on a latency ratio.

    Args:
        share: Share of pairs expected on one side of the rule's threshold, in [0, 1] and not 0.5: 0.5 is a
            true ratio at the threshold, 1 a candidate on the right side in every pair. Estimate it from pairs
            seen.
        confidence: Level 1 - a of the rule, in (0.5, 1).
        power: Chance that the rule is decided by then, in (0, 1).

    Returns:
        The least number of pairs by which sign_capitals, looked at after each pair, has reached 1 / a with that
        chance: exactly up to 3,000 pairs, beyond by the capital of the wins that are exceeded with that chance. 6 for
        a share of 1 at 95 %.

    Raises:
        ValueError: An argument is outside its domain, or the share is 0.5.
    """
    check_confidence(confidence)
    check_fraction("power", power)
    if not 0.0 <= share <= 1.0 or share == 0.5:
        raise ValueError(f"share is {share}, but it must lie between 0 and 1 and differ from 0.5")
    share = max(share, 1.0 - share)
    many = _pairs_by_normal(share, confidence, power)
    if many > 2 * SCANNED_PAIRS:
        return many
    return _pairs_by_recursion(share, confidence, power) or max(many, SCANNED_PAIRS + 1)


def _exceeded(n: NDArray[np.int64], estimate: float, threshold: float, confidence: float) -> NDArray[np.float64]:
    """Return the chance that n images settle a rule that a proportion exceeds a threshold, shape (N,)."""
    # Few enough successes that the threshold explains them; the search below ends at the first that it does not.
    successes = np.maximum(np.floor(bdtrik(confidence, n, threshold)) - 1.0, 0.0)
    for _ in range(3):
        successes += (successes <= n) & (bdtrc(successes - 1.0, n, threshold) > 1.0 - confidence)
    return np.where(successes <= n, bdtrc(successes - 1.0, n, estimate), 0.0)


def _pairs_by_recursion(share: float, confidence: float, power: float) -> int:
    """Return the pairs by which the chance to have decided reaches the power; 0 if not among those scanned."""
    chances = np.zeros(SCANNED_PAIRS + 2)
    chances[0] = 1.0
    decided = 0.0
    for n, needed in enumerate(wins_needed(SCANNED_PAIRS, confidence).tolist(), start=1):
        chances[1 : n + 1] = share * chances[:n] + (1.0 - share) * chances[1 : n + 1]
        chances[0] *= 1.0 - share
        decided += float(chances[needed : n + 1].sum())
        chances[needed : n + 1] = 0.0
        if decided >= power:
            return n
    return 0


def _pairs_by_normal(share: float, confidence: float, power: float) -> int:
    def short(n: float) -> bool:
        wins = n * share - float(ndtri(power)) * math.sqrt(n * share * (1.0 - share))
        return float(log_sign_capital(min(max(wins, 0.0), n), n)) < -math.log1p(-confidence)

    return round_up(least_count(short, MOST_PAIRS))
