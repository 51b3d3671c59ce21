"""Enumerate every outcome of the paired rule and add up the chances of the wrong verdicts."""

import functools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri, xlogy

from vetgate.statistics import paired_bounds, paired_decision_p, tango_z
from vetgate.statistics.paired import FEW_DISCORDANT, FEW_ON_ONE_SIDE, MANY_DISCORDANT
from vetgate.statistics.tango import tango_scores

Mask = NDArray[np.bool_]

MARGIN = 0.01
DISCORDANCES = (0.01, 0.0105, 0.0125, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2)
SIZES = (100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000)


def counts_up_to(n: int, p: float) -> NDArray[np.float64]:
    return np.arange(int(min(n, n * p + 8.0 * np.sqrt(n * p) + 10.0)) + 1.0)


@functools.cache
def verdicts(n: int, confidence: float) -> tuple[Mask, Mask, Mask, Mask]:
    """Return which outcomes (b, c) pass and fail `at_least -1pp`, by the rule and by the score alone."""
    counts = counts_up_to(n, (max(DISCORDANCES) + MARGIN) / 2.0)
    b, c = np.meshgrid(counts, counts, indexing="ij")
    critical = ndtri(confidence)
    z = np.where(b + c <= n, tango_scores(b, c, n, -MARGIN), 0.0)
    score_passes, score_fails = z >= critical, z <= -critical
    passes, fails = score_passes.copy(), score_fails.copy()
    exact = (b + c < FEW_DISCORDANT) | ((np.minimum(b, c) < FEW_ON_ONE_SIDE) & (b + c < MANY_DISCORDANT))
    # Farther from the critical value the two tests agree: test_far_from_the_critical_value checks it.
    for losses, gains in np.argwhere(exact & (abs(z) > critical - 0.2) & (abs(z) < critical + 0.5)):
        p = paired_decision_p(int(losses), int(gains), n, -MARGIN, confidence)
        passes[losses, gains] = p.greater <= 1.0 - confidence
        fails[losses, gains] = p.less <= 1.0 - confidence
    return passes, fails, score_passes, score_fails


def chances(n: int, p_loss: float, p_gain: float, size: int) -> NDArray[np.float64]:
    b, c = np.meshgrid(np.arange(size + 0.0), np.arange(size + 0.0), indexing="ij")
    rest = np.maximum(n - b - c, 0.0)
    log = gammaln(n + 1.0) - gammaln(b + 1.0) - gammaln(c + 1.0) - gammaln(rest + 1.0)
    log = log + xlogy(b, p_loss) + xlogy(c, p_gain) + xlogy(rest, 1.0 - p_loss - p_gain)
    return np.where(b + c <= n, np.exp(log), 0.0)


def worst_rates(n: int, confidence: float) -> list[float]:
    """Return the largest chances of a false pass and a false fail: the rule's two, then the score's two."""
    masks = verdicts(n, confidence)
    worst = [0.0] * len(masks)
    for discordance in DISCORDANCES:
        chance = chances(n, (discordance + MARGIN) / 2.0, (discordance - MARGIN) / 2.0, len(masks[0]))
        worst = [max(known, float(chance[mask].sum())) for known, mask in zip(worst, masks, strict=True)]
    return worst


@pytest.mark.parametrize("confidence", [0.95, 0.99])
@pytest.mark.parametrize("n", SIZES)
def test_false_passes_and_false_fails_stay_within_a_fifth_of_a_point(n: int, confidence: float) -> None:
    false_pass, false_fail, _, _ = worst_rates(n, confidence)
    assert false_pass <= 1.0 - confidence + 0.002
    assert false_fail <= 1.0 - confidence + 0.002


@pytest.mark.parametrize("n", [5_000, 8_000])
def test_false_verdicts_stay_within_a_fifth_of_a_point_where_the_score_takes_over(n: int) -> None:
    assert max(worst_rates(n, 0.95)[:2]) <= 0.052


def test_the_score_alone_would_fail_a_candidate_on_the_margin_in_9_percent_of_runs() -> None:
    _, _, _, false_fail = worst_rates(300, 0.95)
    assert false_fail == pytest.approx(0.0889, abs=5e-4)


def test_the_score_alone_would_pass_a_candidate_on_the_margin_in_7_percent_of_runs() -> None:
    assert tango_z(0, 0, 268, -MARGIN) > ndtri(0.95)
    assert chances(268, MARGIN, 0.0, 5)[0, 0] == pytest.approx(0.0676, abs=1e-4)


def test_an_equal_candidate_at_two_percent_discordance_passes_with_the_power_that_the_plan_promises() -> None:
    passes, _, _, _ = verdicts(1_237, 0.95)
    assert chances(1_237, 0.01, 0.01, len(passes))[passes].sum() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("n", [60, 150])
def test_far_from_the_critical_value_exact_test_and_score_agree(n: int) -> None:
    critical = ndtri(0.95)
    for b in range(min(n, 25)):
        for c in range(min(n, 25) - b):
            z = tango_z(b, c, n, -MARGIN)
            if critical - 0.2 < abs(z) < critical + 0.5:
                continue
            p = paired_decision_p(b, c, n, -MARGIN)
            assert (p.greater <= 0.05, p.less <= 0.05) == (z >= critical, z <= -critical)


@pytest.mark.parametrize(("p_loss", "p_gain"), [(0.0, 0.0), (0.02, 0.0), (0.03, 0.05), (0.2, 0.3), (0.5, 0.5)])
def test_each_bound_misses_the_truth_with_chance_at_most_a_in_small_samples(p_loss: float, p_gain: float) -> None:
    n, truth = 22, p_gain - p_loss
    chance = chances(n, p_loss, p_gain, n + 1)
    too_high = too_low = 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            found = paired_bounds(b, c, n, 0.95)
            too_high += chance[b, c] * (found.lower > truth + 1e-12)
            too_low += chance[b, c] * (found.upper < truth - 1e-12)
    assert max(too_high, too_low) <= 0.05
