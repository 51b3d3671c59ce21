"""Bounds of the ratio of two error rates.

Known answer: 59 patients responded before and after a therapy, 6 only before and 16 only after (the data `cavo_2012` of
the R package contingencytables, which goes with M. W. Fagerland, S. Lydersen and P. Laake, "Statistical Analysis of
Contingency Tables"). Its own tests give the score interval at 95 % as 0.7476 to 0.9876, with 0.8667 between.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize
from scipy.stats import poisson
from vetgate_opscore.error_ratio import CORRECTION, error_ratio_score, log_error_ratio_bounds

COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
IMAGES = 200


def test_the_score_interval_is_that_of_the_published_example() -> None:
    def score(ratio: float) -> float:
        return error_ratio_score(6, 16, 59, ratio)

    low = brentq(lambda ratio: score(ratio) - 1.959964, 1e-4, 50)
    high = brentq(lambda ratio: score(ratio) + 1.959964, 1e-4, 50)
    assert (low, high) == pytest.approx((0.7476, 0.9876), abs=5e-5)
    found = log_error_ratio_bounds(6, 16, 59, 161, 0.975, correction=0.0)
    assert [10**log for log in (found.lower, found.estimate, found.upper)] == pytest.approx((low, 65 / 75, high))


@pytest.mark.parametrize("ratio", [0.4, 1.3, 2.5])
def test_the_fit_under_a_ratio_is_that_of_a_numerical_search(ratio: float) -> None:
    lost, won, both, n = 8, 3, 6, 50

    def unlikely(logs: Any) -> float:
        only, common = (math.exp(log) for log in logs)
        mine = ratio * only + (ratio - 1) * common
        rest = 1 - mine - only - common
        if mine <= 0 or rest <= 0:
            return 1e9
        terms = ((lost, mine), (won, only), (both, common), (n - lost - won - both, rest))
        return -sum(count * math.log(chance) for count, chance in terms)

    starts = [(0.1, 0.1), (0.05, 0.02), (0.2, 0.02), (0.3, 0.05)]
    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 9000}
    found = [
        minimize(unlikely, [math.log(one), math.log(other)], method="Nelder-Mead", options=options)
        for one, other in starts
    ]
    only, common = (math.exp(log) for log in min(found, key=lambda result: result.fun).x)
    mine = ratio * only + (ratio - 1) * common
    z = (lost + both - ratio * (won + both)) / n / math.sqrt(ratio * (mine + only) / n)
    assert error_ratio_score(lost, won, both, ratio) == pytest.approx(z, rel=1e-6)


@given(COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
@example((0, 0, 0), 0.95)
@example((1, 0, 0), 0.95)
@example((0, 60, 0), 0.95)
def test_bounds_are_finite_hold_the_estimate_and_mirror(counts: tuple[int, int, int], confidence: float) -> None:
    lost, won, both = counts
    found = log_error_ratio_bounds(lost, won, both, IMAGES, confidence)
    mirrored = log_error_ratio_bounds(won, lost, both, IMAGES, confidence)
    assert all(math.isfinite(value) for value in (found.lower, found.estimate, found.upper))
    assert found.lower <= found.estimate <= found.upper
    assert (found.lower, found.estimate) == pytest.approx((-mirrored.upper, -mirrored.estimate), abs=1e-9)


@given(COUNTS)
def test_a_stricter_level_is_wider(counts: tuple[int, int, int]) -> None:
    mild, strict = (log_error_ratio_bounds(*counts, IMAGES, level) for level in (0.9, 0.99))
    assert strict.lower <= mild.lower + 1e-9
    assert strict.upper >= mild.upper - 1e-9


@given(COUNTS)
def test_one_more_error_of_the_candidate_never_speaks_for_it(counts: tuple[int, int, int]) -> None:
    lost, won, both = counts
    fewer = log_error_ratio_bounds(lost, won, both, IMAGES, 0.95)
    more = log_error_ratio_bounds(lost + 1, won, both, IMAGES, 0.95)
    assert more.upper >= fewer.upper - 1e-9


@given(COUNTS)
def test_the_correction_only_widens(counts: tuple[int, int, int]) -> None:
    plain, corrected = (log_error_ratio_bounds(*counts, IMAGES, 0.95, correction) for correction in (0.0, CORRECTION))
    assert corrected.lower <= plain.lower + 1e-9
    assert corrected.upper >= plain.upper - 1e-9


def test_bounds_err_no_more_often_than_stated_where_few_images_are_wrong() -> None:
    """By adding up every outcome where 3 images are expected wrong of the candidate alone and 0.3 of the reference."""
    expected, most = (3.0, 0.3, 0.1), 18
    truth = math.log10(3.1 / 0.5)  # the reference's rate counts as half an image's
    missed = 0.0
    for counts in itertools.product(range(most), range(8), range(6)):
        if log_error_ratio_bounds(*counts, 500, 0.95).upper < truth:
            missed += math.prod(float(poisson.pmf(count, mean)) for count, mean in zip(counts, expected, strict=True))
    assert missed <= 0.05


def test_sharing_the_same_errors_makes_the_ratio_sharper() -> None:
    shared, apart = log_error_ratio_bounds(1, 1, 99, 1000, 0.95), log_error_ratio_bounds(100, 100, 0, 1000, 0.95)
    assert shared.upper < apart.upper / 3


def test_counts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit in n = 10"):
        log_error_ratio_bounds(5, 5, 5, 10, 0.95)
