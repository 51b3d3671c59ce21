import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom, quantile_test

from vetgate.statistics import percentile_bounds, runs_needed

SAMPLES = st.lists(st.floats(0.0, 1e4), min_size=1, max_size=120)
PERCENTILES = st.floats(0.01, 0.99)
CONFIDENCES = st.floats(0.51, 0.9999)


@pytest.mark.parametrize(("p", "runs"), [(0.9, 44), (0.95, 90), (0.99, 459)])
def test_the_slowest_run_bounds_a_percentile_from_the_known_number_of_runs_on(p: float, runs: int) -> None:
    assert runs_needed(p, 0.99) == runs
    times = np.arange(runs, dtype=float)
    assert percentile_bounds(times, p, 0.99).upper == runs - 1.0
    assert percentile_bounds(times[:-1], p, 0.99).upper == math.inf


@given(SAMPLES, PERCENTILES, CONFIDENCES)
def test_the_bounds_are_scipys_order_statistics(samples: list[float], p: float, confidence: float) -> None:
    chances = binom.cdf(np.arange(len(samples) + 1), len(samples), p)
    # Where a rank errs with chance a exactly, scipy's rounding decides whether it may be used.
    assume(min(abs(chances - confidence).min(), abs(chances - 1.0 + confidence).min()) > 1e-9)
    ours = percentile_bounds(samples, p, confidence)
    lower = quantile_test(samples, p=p, alternative="greater").confidence_interval(confidence).low
    upper = quantile_test(samples, p=p, alternative="less").confidence_interval(confidence).high
    assert ours.lower == (-math.inf if math.isnan(lower) else lower)
    assert ours.upper == (math.inf if math.isnan(upper) else upper)


@given(SAMPLES, PERCENTILES, CONFIDENCES)
def test_the_bounds_enclose_the_estimate(samples: list[float], p: float, confidence: float) -> None:
    found = percentile_bounds(samples, p, confidence)
    assert found.lower <= found.estimate <= found.upper
    assert found.estimate in samples


@given(SAMPLES, PERCENTILES, CONFIDENCES, CONFIDENCES)
def test_more_confidence_never_narrows(samples: list[float], p: float, first: float, second: float) -> None:
    narrow, wide = (percentile_bounds(samples, p, level) for level in sorted((first, second)))
    assert wide.lower <= narrow.lower
    assert wide.upper >= narrow.upper


@pytest.mark.parametrize("p", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [20, 100, 500])
def test_each_bound_misses_the_percentile_with_chance_at_most_a(p: float, n: int) -> None:
    # With k runs at or below the true percentile the sorted times straddle it between ranks k and k + 1.
    lower_misses = upper_misses = 0.0
    for k in range(n + 1):
        found = percentile_bounds(np.arange(1.0, n + 1.0), p, 0.95)
        lower_misses += binom.pmf(k, n, p) * (found.lower > k)
        upper_misses += binom.pmf(k, n, p) * (found.upper <= k)
    assert max(lower_misses, upper_misses) <= 0.05


def test_the_95th_of_100_sorted_times_estimates_p95() -> None:
    assert percentile_bounds(np.arange(1.0, 101.0), 0.95, 0.95).estimate == 95.0


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"samples has shape \(0,\)"):
        percentile_bounds([], 0.5, 0.95)
    with pytest.raises(ValueError, match=r"samples has shape \(1, 2\)"):
        percentile_bounds([[1.0, 2.0]], 0.5, 0.95)
    with pytest.raises(ValueError, match="p is 95"):
        percentile_bounds([1.0], 95, 0.95)
    with pytest.raises(ValueError, match="p is 1"):
        runs_needed(1.0, 0.95)
    with pytest.raises(ValueError, match=r"confidence is 1\.0"):
        runs_needed(0.9, 1.0)
