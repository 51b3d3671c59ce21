import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from vetgate.statistics import proportion_bounds

CASES = [(0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (29, 500), (30, 60), (470, 500), (9_712, 10_000)]
CONFIDENCES = st.floats(0.51, 0.9999)
COUNTS = st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("successes", "n"), CASES)
def test_one_sided_bounds_at_95_are_scipys_exact_two_sided_interval_at_90(
    successes: int, n: int, confidence: float
) -> None:
    ours = proportion_bounds(successes, n, confidence)
    theirs = binomtest(successes, n).proportion_ci(2.0 * confidence - 1.0, method="exact")
    assert ours.lower == pytest.approx(theirs.low, abs=1e-12)
    assert ours.upper == pytest.approx(theirs.high, abs=1e-12)
    assert (ours.estimate, ours.method) == (successes / n, "Clopper-Pearson")


@pytest.mark.parametrize("n", [10, 59, 137, 1_000])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_a_bound_never_errs_more_than_asked(n: int, confidence: float) -> None:
    lower = np.array([proportion_bounds(k, n, confidence).lower for k in range(n + 1)])
    for truth in np.linspace(0.005, 0.995, 199):
        assert binom.pmf(np.arange(n + 1), n, truth)[lower > truth].sum() <= 1.0 - confidence + 1e-12


def test_wilsons_score_bound_would_err_in_6_percent_of_runs_at_95() -> None:
    n, truth = 100, 0.23
    lower = np.array([binomtest(k, n).proportion_ci(0.9, method="wilson").low for k in range(n + 1)])
    assert binom.pmf(np.arange(n + 1), n, truth)[lower > truth].sum() == pytest.approx(0.0643, abs=5e-5)


@given(COUNTS, CONFIDENCES)
def test_the_bounds_enclose_the_estimate_and_stay_in_the_unit_interval(
    counts: tuple[int, int], confidence: float
) -> None:
    found = proportion_bounds(*counts, confidence)
    assert 0.0 <= found.lower <= found.estimate + 1e-12
    assert found.estimate - 1e-12 <= found.upper <= 1.0


@given(COUNTS, CONFIDENCES, CONFIDENCES)
def test_more_confidence_never_narrows(counts: tuple[int, int], first: float, second: float) -> None:
    narrow, wide = (proportion_bounds(*counts, level) for level in sorted((first, second)))
    assert wide.lower <= narrow.lower + 1e-12
    assert wide.upper >= narrow.upper - 1e-12


@given(COUNTS, CONFIDENCES)
def test_swapping_successes_and_failures_mirrors_the_bounds(counts: tuple[int, int], confidence: float) -> None:
    successes, n = counts
    one, other = proportion_bounds(successes, n, confidence), proportion_bounds(n - successes, n, confidence)
    assert one.lower == pytest.approx(1.0 - other.upper, abs=1e-9)


def test_wrong_arguments_are_refused_with_both_values() -> None:
    with pytest.raises(ValueError, match="n is 0 with 0 successes"):
        proportion_bounds(0, 0, 0.95)
    with pytest.raises(ValueError, match="successes is 11 with n = 10"):
        proportion_bounds(11, 10, 0.95)
    with pytest.raises(ValueError, match="successes is -1 with n = 10"):
        proportion_bounds(-1, 10, 0.95)
    for confidence in (0.5, 1.0, 95.0, math.nan):
        with pytest.raises(ValueError, match="confidence is"):
            proportion_bounds(1, 10, confidence)
