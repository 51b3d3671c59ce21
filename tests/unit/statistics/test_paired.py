from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from vetgate.statistics import (
    Bounds,
    exact_bounds,
    mcnemar_exact_p,
    paired_bounds,
    paired_decision_p,
    tango_bounds,
)

COUNTS = st.integers(1, 20_000).flatmap(
    lambda n: st.integers(0, min(n, 90)).flatmap(
        lambda b: st.tuples(st.just(b), st.integers(0, min(n, 90) - b), st.just(n))
    )
)
LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@pytest.mark.parametrize(
    ("b", "c", "bounds"),
    [
        (0, 0, exact_bounds),
        (29, 30, exact_bounds),
        (30, 30, tango_bounds),
        (19, 200, exact_bounds),
        (200, 19, exact_bounds),
        (200, 20, tango_bounds),
        (20, 200, tango_bounds),
        (0, 599, exact_bounds),
        (0, 600, tango_bounds),
    ],
)
def test_few_or_lopsided_discordant_images_are_bounded_exactly(
    b: int, c: int, bounds: Callable[[int, int, int, float], Bounds]
) -> None:
    assert paired_bounds(b, c, 5_000, 0.95) == bounds(b, c, 5_000, 0.95)


def test_a_hundred_discordant_images_of_ten_thousand_pass_one_point() -> None:
    found = paired_bounds(60, 40, 10_000, 0.95)
    assert (found.estimate, round(found.lower, 4), round(found.upper, 4)) == (-0.002, -0.0037, -0.0004)
    assert found.method == "Tango score"


def test_nine_losses_and_seven_gains_in_500_settle_nothing_about_one_point() -> None:
    found = paired_bounds(9, 7, 500, 0.95)
    assert (found.estimate, round(found.lower, 4), round(found.upper, 4)) == (-0.004, -0.0183, 0.0100)
    assert found.method == "exact paired"
    assert found.lower < -0.01 < found.upper


def test_identical_models_pass_one_point_from_299_images_on_though_the_score_would_from_268() -> None:
    assert paired_bounds(0, 0, 298, 0.95).lower < -0.01 < paired_bounds(0, 0, 299, 0.95).lower
    assert 0.99**298 > 0.05 > 0.99**299


@settings(max_examples=60, deadline=None)
@given(COUNTS, LEVELS, st.floats(-0.2, 0.2))
def test_the_test_at_a_threshold_agrees_with_the_bounds(
    counts: tuple[int, int, int], level: float, threshold: float
) -> None:
    found, p = paired_bounds(*counts, level), paired_decision_p(*counts, threshold, level)
    assert p.method == found.method
    # The bounds are found to 1e-6 of a standard error, so no verdict is asked for closer than that.
    near = 1e-5 * (found.upper - found.lower)
    if abs(threshold - found.lower) > near:
        assert (p.greater <= 1.0 - level) == (threshold < found.lower)
    if abs(threshold - found.upper) > near:
        assert (p.less <= 1.0 - level) == (threshold > found.upper)


@settings(max_examples=60, deadline=None)
@given(COUNTS, LEVELS)
def test_swapping_the_models_mirrors_the_bounds(counts: tuple[int, int, int], level: float) -> None:
    b, c, n = counts
    one, other = paired_bounds(b, c, n, level), paired_bounds(c, b, n, level)
    assert (one.estimate, one.lower, one.upper) == (-other.estimate, -other.upper, -other.lower)


@given(COUNTS, st.floats(-0.2, 0.2))
def test_the_evidence_never_speaks_for_both_sides(counts: tuple[int, int, int], threshold: float) -> None:
    p = paired_decision_p(*counts, threshold)
    assert max(p.greater, p.less) >= 0.5


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemars_p_is_the_two_sided_binomial_test(b: int, c: int) -> None:
    expected = binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar_exact_p(b, c) == pytest.approx(expected, rel=1e-9)


def test_wrong_arguments_are_refused_with_both_values() -> None:
    with pytest.raises(ValueError, match="b is 2 and c is -3"):
        mcnemar_exact_p(2, -3)
    with pytest.raises(ValueError, match=r"b \+ c is 200 \(b = 100, c = 100\), but n is only 150"):
        paired_bounds(100, 100, 150, 0.95)
    with pytest.raises(ValueError, match="difference is 2"):
        paired_decision_p(100, 100, 300, 2.0)
    with pytest.raises(ValueError, match=r"confidence is 1\.5"):
        paired_decision_p(1, 1, 300, 0.0, 1.5)
