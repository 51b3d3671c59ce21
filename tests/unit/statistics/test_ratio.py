import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom, quantile_test

from vetgate.statistics import median_ratio_bounds

PAIRS = st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=80)
CONFIDENCES = st.floats(0.51, 0.9999)


@given(PAIRS, CONFIDENCES)
def test_the_bounds_are_scipys_order_statistics_of_the_median(log_ratios: list[float], confidence: float) -> None:
    chances = binom.cdf(np.arange(len(log_ratios) + 1), len(log_ratios), 0.5)
    # Where a rank errs with chance a exactly, scipy's rounding decides whether it may be used.
    assume(min(abs(chances - confidence).min(), abs(chances - 1.0 + confidence).min()) > 1e-9)
    ours = median_ratio_bounds(log_ratios, confidence)
    lower = quantile_test(log_ratios, p=0.5, alternative="greater").confidence_interval(confidence).low
    upper = quantile_test(log_ratios, p=0.5, alternative="less").confidence_interval(confidence).high
    assert ours.lower == (0.0 if math.isnan(lower) or lower == -math.inf else pytest.approx(math.exp(lower)))
    assert ours.upper == (math.inf if math.isnan(upper) else pytest.approx(math.exp(upper)))


@pytest.mark.parametrize(("confidence", "pairs"), [(0.95, 5), (0.99, 7), (0.9, 4)])
def test_nothing_is_excluded_with_one_pair_too_few(confidence: float, pairs: int) -> None:
    log_ratios = np.linspace(0.1, 0.2, pairs)
    few, enough = (
        median_ratio_bounds(log_ratios[:-1], confidence),
        median_ratio_bounds(log_ratios, confidence),
    )
    assert (few.lower, few.upper) == (0.0, math.inf)
    assert enough.lower == pytest.approx(math.exp(0.1))
    assert enough.upper == pytest.approx(math.exp(0.2))


def test_a_pair_at_the_bound_counts_against_excluding_it() -> None:
    found = median_ratio_bounds([0.0] * 6 + [0.5, 0.6, 0.7], 0.95)
    assert found.lower == 1.0
    assert found.lower <= found.estimate == 1.0 <= found.upper


@given(PAIRS, CONFIDENCES)
def test_the_bounds_enclose_the_estimate(log_ratios: list[float], confidence: float) -> None:
    found = median_ratio_bounds(log_ratios, confidence)
    assert 0.0 <= found.lower <= found.estimate <= found.upper


@given(PAIRS, CONFIDENCES, CONFIDENCES)
def test_more_confidence_never_narrows(log_ratios: list[float], first: float, second: float) -> None:
    narrow, wide = (median_ratio_bounds(log_ratios, level) for level in sorted((first, second)))
    assert wide.lower <= narrow.lower
    assert wide.upper >= narrow.upper


@given(PAIRS, CONFIDENCES)
def test_swapping_the_models_inverts_the_bounds(log_ratios: list[float], confidence: float) -> None:
    one = median_ratio_bounds(log_ratios, confidence)
    other = median_ratio_bounds([-value for value in log_ratios], confidence)
    assert one.lower == pytest.approx(1.0 / other.upper)
    assert one.estimate == pytest.approx(1.0 / other.estimate)


@pytest.mark.parametrize("n", [5, 20, 31, 200])
def test_fair_coins_exclude_the_true_ratio_with_chance_at_most_a(n: int) -> None:
    # A ratio of 1 is excluded from below where so few signs are negative that the bound lies above it.
    missed = sum(
        binom.pmf(negative, n, 0.5)
        for negative in range(n + 1)
        if median_ratio_bounds([-1.0] * negative + [1.0] * (n - negative), 0.95).lower > 1.0
    )
    assert missed <= 0.05


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"log_ratios has shape \(0,\)"):
        median_ratio_bounds([], 0.95)
    with pytest.raises(ValueError, match="log_ratios holds 1 values of 3 that are not finite"):
        median_ratio_bounds([0.0, math.inf, 1.0], 0.95)
    with pytest.raises(ValueError, match=r"confidence is 0\.3"):
        median_ratio_bounds([0.0], 0.3)
