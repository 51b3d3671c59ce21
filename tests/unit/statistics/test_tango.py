import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from vetgate.statistics import tango_bounds, tango_z

COUNTS = st.integers(1, 5_000).flatmap(
    lambda n: st.integers(0, n).flatmap(lambda b: st.tuples(st.just(b), st.integers(0, n - b), st.just(n)))
)
CONFIDENCES = st.floats(0.51, 0.9999)
DIFFERENCES = st.floats(-1.0, 1.0)


def textbook_z(b: int, c: int, n: int, difference: float) -> float:
    """Return z by the formula as printed; cancels near the ends."""
    half = -c - b + (2 * n - c + b) * difference
    constant = -b * difference * (1 - difference)
    q = (math.sqrt(half**2 - 8 * n * constant) - half) / (4 * n)
    return (c - b - n * difference) / math.sqrt(n * (2 * q + difference * (1 - difference)))


def test_tangos_own_example_is_reproduced() -> None:
    found = tango_bounds(2, 12, 50, 0.975)
    assert (round(found.lower, 4), round(found.upper, 4)) == (0.0611, 0.3447)
    assert found.estimate == 0.2


def test_a_hundred_discordant_images_of_ten_thousand_pass_one_point() -> None:
    found = tango_bounds(60, 40, 10_000, 0.95)
    assert (found.estimate, round(found.lower, 4), round(found.upper, 4)) == (-0.002, -0.0037, -0.0004)


def test_the_score_bounds_of_nine_losses_and_seven_gains_in_500() -> None:
    found = tango_bounds(9, 7, 500, 0.95)
    assert (found.estimate, round(found.lower, 4), round(found.upper, 4)) == (-0.004, -0.0184, 0.0099)


def test_without_a_discordant_image_the_score_bound_passes_one_point_from_268_images_on() -> None:
    assert tango_bounds(0, 0, 267, 0.95).lower < -0.01 < tango_bounds(0, 0, 268, 0.95).lower
    z = norm.ppf(0.95)
    assert tango_bounds(0, 0, 268, 0.95).lower == pytest.approx(-(z**2) / (268 + z**2), abs=1e-12)


@pytest.mark.parametrize("difference", [-0.6, -0.01, 0.0, 0.003, 0.5])
@pytest.mark.parametrize(("b", "c", "n"), [(2, 12, 50), (60, 40, 10_000), (9, 7, 500), (0, 5, 40), (5, 0, 40)])
def test_z_is_the_printed_formula(b: int, c: int, n: int, difference: float) -> None:
    assert tango_z(b, c, n, difference) == pytest.approx(textbook_z(b, c, n, difference), rel=1e-9)


def test_z_is_defined_where_no_variance_is_left() -> None:
    assert tango_z(0, 0, 10, 0.0) == 0.0
    assert tango_z(0, 10, 10, 1.0) == 0.0
    assert tango_z(10, 0, 10, -1.0) == 0.0
    assert tango_z(1, 2, 10, 1.0) == -math.inf
    assert tango_z(1, 2, 10, -1.0) == math.inf


def test_z_does_not_cancel_for_one_loss_in_a_hundred_million() -> None:
    n, difference = 10**8, 0.5
    # To first order in b / n, q is b (1 - D0) / n, so the variance is n D0 (1 - D0) up to one part in n.
    expected = (-1 - n * difference) / math.sqrt(n * (2 * 0.5 / n * 0.5 + 0.25))
    assert tango_z(1, 0, n, difference) == pytest.approx(expected, rel=1e-8)


@given(COUNTS, DIFFERENCES)
def test_swapping_the_models_mirrors_z(counts: tuple[int, int, int], difference: float) -> None:
    b, c, n = counts
    assert tango_z(b, c, n, difference) == -tango_z(c, b, n, -difference)


@given(COUNTS, DIFFERENCES, DIFFERENCES)
def test_z_falls_as_the_difference_under_test_rises(counts: tuple[int, int, int], first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert tango_z(*counts, low) >= tango_z(*counts, high) - 1e-9


@given(COUNTS, CONFIDENCES)
def test_the_score_just_rejects_at_the_bounds(counts: tuple[int, int, int], confidence: float) -> None:
    found = tango_bounds(*counts, confidence)
    assert -1.0 <= found.lower <= found.estimate <= found.upper <= 1.0
    z = norm.ppf(confidence)
    if -1.0 < found.lower < found.estimate - 1e-9:
        assert tango_z(*counts, found.lower) == pytest.approx(z, rel=1e-3)
    if found.estimate + 1e-9 < found.upper < 1.0:
        assert tango_z(*counts, found.upper) == pytest.approx(-z, rel=1e-3)


@given(COUNTS, CONFIDENCES, CONFIDENCES)
def test_more_confidence_never_narrows(counts: tuple[int, int, int], first: float, second: float) -> None:
    narrow, wide = (tango_bounds(*counts, level) for level in sorted((first, second)))
    assert wide.lower <= narrow.lower
    assert wide.upper >= narrow.upper


def test_wrong_arguments_are_refused_with_both_values() -> None:
    with pytest.raises(ValueError, match=r"b \+ c is 11 \(b = 5, c = 6\), but n is only 10"):
        tango_bounds(5, 6, 10, 0.95)
    with pytest.raises(ValueError, match="b is -1 and c is 6"):
        tango_z(-1, 6, 10, 0.0)
    with pytest.raises(ValueError, match=r"n is 0 with b \+ c = 0"):
        tango_z(0, 0, 0, 0.0)
    with pytest.raises(ValueError, match=r"difference is 1\.5"):
        tango_z(1, 1, 10, 1.5)
    with pytest.raises(ValueError, match=r"confidence is 0\.5"):
        tango_bounds(1, 1, 10, 0.5)
