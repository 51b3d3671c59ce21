import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from vetgate.statistics import Bounds, mover_sum

PARTS = st.builds(
    lambda estimate, down, up: Bounds(estimate, estimate - down, estimate + up, "made up"),
    st.floats(-100.0, 100.0),
    st.floats(0.0, 10.0),
    st.floats(0.0, 10.0),
)


def test_two_equal_halves_widen_by_the_root_of_two() -> None:
    part = Bounds(1.0, 0.7, 1.4, "Wilson")
    found = mover_sum([part, part])
    assert found.estimate == 2.0
    assert found.lower == pytest.approx(2.0 - math.sqrt(2 * 0.3**2))
    assert found.upper == pytest.approx(2.0 + math.sqrt(2 * 0.4**2))
    assert found.method == "MOVER of Wilson"


@given(st.lists(PARTS, min_size=1, max_size=5))
def test_the_bounds_enclose_the_sum_and_lie_inside_the_sums_of_the_bounds(parts: list[Bounds]) -> None:
    found = mover_sum(parts)
    assert sum(part.lower for part in parts) - 1e-9 <= found.lower <= found.estimate
    assert found.estimate <= found.upper <= sum(part.upper for part in parts) + 1e-9


@given(PARTS)
def test_a_single_term_keeps_its_bounds(part: Bounds) -> None:
    found = mover_sum([part])
    assert found.lower == pytest.approx(part.lower, abs=1e-9)
    assert found.upper == pytest.approx(part.upper, abs=1e-9)


def test_an_unbounded_term_leaves_that_side_unbounded() -> None:
    found = mover_sum([Bounds(0.0, -math.inf, 1.0, "order statistics"), Bounds(2.0, 1.0, 3.0, "Wilson")])
    assert (found.lower, found.method) == (-math.inf, "MOVER of order statistics + Wilson")
    assert found.upper == pytest.approx(2.0 + math.sqrt(2.0))


def test_normal_terms_are_covered_at_the_level_asked_for() -> None:
    draws = np.random.default_rng(7).normal([0.0, 3.0], [1.0, 0.5], (4_000, 2))
    z = norm.ppf(0.95)
    missed = 0
    for first, second in draws:
        terms = [(first, z), (second, z / 2.0)]
        found = mover_sum([Bounds(term, term - reach, term + reach, "z") for term, reach in terms])
        missed += found.lower > 3.0
    assert missed / 4_000 == pytest.approx(0.05, abs=0.012)


def test_wrong_arguments_are_refused_with_both_values() -> None:
    with pytest.raises(ValueError, match="0 terms"):
        mover_sum([])
    with pytest.raises(ValueError, match=r"estimate is 5\.0, but its bounds are 0\.0 and 1\.0"):
        mover_sum([Bounds(5.0, 0.0, 1.0, "wrong")])
    with pytest.raises(ValueError, match="estimate is inf"):
        mover_sum([Bounds(math.inf, 0.0, math.inf, "wrong")])
