"""Published worked examples, and statsmodels, for every interval and test (see each test's own name)."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from vetgate.statistics import (
    Bounds,
    exact_bounds,
    images_needed_proportion,
    mcnemar_exact_p,
    mover_sum,
    percentile_bounds,
    proportion_bounds,
    runs_needed,
    tango_bounds,
    tango_z,
)

COUNTS = st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_tangos_score_worked_by_hand() -> None:
    # b = 1, c = 0, N = 44, D0 = -0.1: A = 88, B = -9.9, C = 0.11, the root is 7.7, so q = 17.6 / 176 = 0.1 and
    # z = 3.4 / sqrt(44 (0.2 - 0.11)) = 3.4 / sqrt(3.96).
    assert tango_z(1, 0, 44, -0.1) == pytest.approx(1.709, abs=5e-4)


def test_newcombes_paired_example() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998), 2635: 36, 12, 2, 0; the score interval is 0.0611 to 0.3447.
    found = tango_bounds(2, 12, 50, 0.975)
    assert found.lower == pytest.approx(0.0611, abs=5e-5)
    assert found.upper == pytest.approx(0.3447, abs=5e-5)


def test_exact_paired_bounds_contain_the_score_bounds_that_err_with_few_discordant_images() -> None:
    # A single loss among 44 patients: every population that the exact test rejects loses with chance at most 5 %.
    found = exact_bounds(1, 0, 44, 0.95)
    loss = -found.lower
    assert binom.cdf(1, 44, loss) <= 0.05
    assert found.lower < tango_bounds(1, 0, 44, 0.95).lower


@pytest.mark.parametrize(("b", "c"), [*itertools.product(range(6), repeat=2), (150, 86), (7, 25), (400, 401)])
def test_mcnemars_exact_p_is_statsmodels(b: int, c: int) -> None:
    # 150 and 86 are those who changed their approval of a prime minister: A. Agresti, Categorical Data Analysis, 10.1.
    table = [[794, b], [c, 570]]
    expected = mcnemar(table, exact=True).pvalue if b + c else 1.0
    assert mcnemar_exact_p(b, c) == pytest.approx(min(1.0, expected), rel=1e-9)


@pytest.mark.parametrize(
    ("successes", "n", "lower", "upper"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_newcombes_four_single_proportions(successes: int, n: int, lower: float, upper: float) -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998), 857: table I, method 5, two-sided 95 %.
    found = proportion_bounds(successes, n, 0.975)
    assert found.lower == pytest.approx(lower, abs=5e-5)
    assert found.upper == pytest.approx(upper, abs=5e-5)


@given(COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_proportion_bounds_are_statsmodels_beta_interval(counts: tuple[int, int], confidence: float) -> None:
    ours = proportion_bounds(*counts, confidence)
    lower, upper = proportion_confint(*counts, alpha=2.0 * (1.0 - confidence), method="beta")
    assert ours.lower == pytest.approx(0.0 if math.isnan(lower) else lower, abs=1e-12)
    assert ours.upper == pytest.approx(1.0 if math.isnan(upper) else upper, abs=1e-12)


@pytest.mark.parametrize(("p", "confidence", "runs"), [(0.95, 0.95, 59), (0.99, 0.95, 299), (0.9, 0.95, 29)])
def test_wilks_numbers_of_runs(p: float, confidence: float, runs: int) -> None:
    # S. S. Wilks, Annals of Mathematical Statistics 12 (1941); 59 is the 95/95 of reactor safety.
    assert runs_needed(p, confidence) == runs


@pytest.mark.parametrize(("n", "low", "high"), [(10, 2, 9), (20, 6, 15), (50, 18, 33), (100, 40, 61)])
def test_ranks_that_bound_a_median_are_the_tabulated_ones(n: int, low: int, high: int) -> None:
    # The usual tables of ranks for a two-sided 95 % interval of a median, by the sign test.
    found = percentile_bounds(np.arange(1.0, n + 1.0), 0.5, 0.975)
    assert (found.lower, found.upper) == (low, high)


def test_newcombes_difference_of_two_proportions_by_mover() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998), 873: 56/70 - 48/80, method 10, 0.0524 to 0.3339.
    found = mover_sum([wilson(56, 70), negated(wilson(48, 80))])
    assert found.estimate == pytest.approx(0.2)
    assert found.lower == pytest.approx(0.0524, abs=5e-5)
    assert found.upper == pytest.approx(0.3339, abs=5e-5)


@given(COUNTS, COUNTS)
def test_mover_of_wilson_intervals_is_statsmodels_newcombe_interval(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    found = mover_sum([wilson(*first), negated(wilson(*second))])
    lower, upper = confint_proportions_2indep(*first, *second, method="newcomb")
    assert found.lower == pytest.approx(lower, abs=1e-9)
    assert found.upper == pytest.approx(upper, abs=1e-9)


@pytest.mark.parametrize(
    ("estimate", "threshold", "confidence"),
    [(1.0, 0.99, 0.95), (0.9, 0.88, 0.95), (0.88, 0.9, 0.99), (0.0, 0.02, 0.9), (0.7, 0.75, 0.95)],
)
def test_images_of_a_proportion_are_enough_by_scipys_binomial_quantile(
    estimate: float, threshold: float, confidence: float
) -> None:
    n = images_needed_proportion(estimate, threshold, confidence)
    if estimate < threshold:
        estimate, threshold = 1.0 - estimate, 1.0 - threshold
    # The threshold is exceeded by counts above its quantile.
    assert binom.sf(binom.ppf(confidence, n, threshold), n, estimate) >= 0.8
    assert binom.sf(binom.ppf(confidence, n - 1, threshold), n - 1, estimate) < 0.8


def wilson(successes: int, n: int) -> Bounds:
    lower, upper = proportion_confint(successes, n, alpha=0.05, method="wilson")
    estimate = successes / n
    # Rounding puts Wilson's end a hair inside where every image counts, or none.
    return Bounds(estimate, min(float(lower), estimate), max(float(upper), estimate), "Wilson")


def negated(bounds: Bounds) -> Bounds:
    return Bounds(-bounds.estimate, -bounds.upper, -bounds.lower, bounds.method)
