import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, multinomial

from vetgate.statistics import exact_bounds, exact_unconditional_p, tango_bounds, tango_z
from vetgate.statistics.exact import NUISANCE_MISS, _lower, _p_greater, _tail

FEW = st.integers(1, 20_000).flatmap(
    lambda n: st.integers(0, min(n, 40)).flatmap(
        lambda b: st.tuples(st.just(b), st.integers(0, min(n, 40) - b), st.just(n))
    )
)
LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99, 0.999])


def p_by_brute_force(b: int, c: int, n: int, difference: float, confidence: float, points: int) -> float:
    """Return the largest chance, over credible populations, of a score bound as high as observed."""
    anchor = tango_bounds(b, c, n, confidence).lower
    observed = tango_z(b, c, n, anchor)
    tail = [
        (losses, gains, n - losses - gains)
        for losses, gains in itertools.product(range(n + 1), repeat=2)
        if losses + gains <= n and tango_z(losses, gains, n, anchor) >= observed - 1e-9
    ]
    credible = binomtest(b + c, n).proportion_ci(1.0 - NUISANCE_MISS)
    least, most = (max(abs(difference), end) for end in (credible.low, credible.high))
    worst = 0.0
    for loss in (np.linspace(least, most, points) - difference) / 2.0:
        gain = loss + difference
        worst = max(worst, multinomial.pmf(tail, n, [loss, gain, max(0.0, 1.0 - loss - gain)]).sum())
    return worst


@pytest.mark.parametrize(
    ("b", "c", "n", "difference"),
    [(0, 0, 12, -0.2), (1, 4, 15, 0.0), (3, 1, 18, -0.4), (0, 5, 14, 0.1), (6, 5, 20, -0.3)],
)
def test_p_is_the_worst_chance_found_by_brute_force(b: int, c: int, n: int, difference: float) -> None:
    expected = p_by_brute_force(b, c, n, difference, 0.95, 801)
    assert exact_unconditional_p(b, c, n, difference, "greater") == pytest.approx(expected + NUISANCE_MISS, abs=2e-5)


@pytest.mark.parametrize("n", [50, 298, 299])
def test_without_a_discordant_image_p_is_the_chance_of_no_loss(n: int) -> None:
    expected = 0.99**n + NUISANCE_MISS
    assert exact_unconditional_p(0, 0, n, -0.01, "greater") == pytest.approx(expected, rel=1e-9)


def test_a_finer_search_of_the_nuisance_finds_nothing_worse() -> None:
    shortfalls = []
    for b, c, n in [
        (0, 0, 30),
        (2, 4, 30),
        (0, 3, 20_000),
        (9, 5, 5_000),
        (13, 6, 300),
        (16, 2, 100),
        (14, 15, 10**5),
    ]:
        difference = tango_bounds(b, c, n, 0.95).lower
        tail = _tail(b, c, n, 0.95)
        low, high = (np.sqrt(max(end - abs(difference), 0.0) / 2.0) for end in (tail.low, tail.high))
        smaller = np.linspace(low, high, 4_001) ** 2
        larger = np.minimum(smaller + abs(difference), 1.0 - smaller)
        p_loss, p_gain = (larger, smaller) if difference < 0.0 else (smaller, larger)
        shortfalls.append(tail.chance(p_loss, p_gain).max() - tail.worst(difference))
    assert max(shortfalls) < NUISANCE_MISS


@settings(max_examples=60, deadline=None)
@given(FEW, LEVELS, st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_p_rises_with_the_difference_under_test(
    counts: tuple[int, int, int], level: float, first: float, second: float
) -> None:
    low, high = sorted((first, second))
    below = exact_unconditional_p(*counts, low, "greater", level)
    above = exact_unconditional_p(*counts, high, "greater", level)
    assert NUISANCE_MISS <= below <= above + 2e-6
    assert above <= 1.0


@settings(max_examples=40, deadline=None)
@given(FEW, LEVELS)
def test_the_bounds_enclose_the_estimate_and_stay_in_the_domain(counts: tuple[int, int, int], level: float) -> None:
    found = exact_bounds(*counts, level)
    assert -1.0 <= found.lower <= found.estimate <= found.upper <= 1.0


@settings(max_examples=40, deadline=None)
@given(FEW, LEVELS)
def test_p_at_the_bound_is_the_error_allowed(counts: tuple[int, int, int], level: float) -> None:
    b, c, n = counts
    found = exact_bounds(b, c, n, level)
    if -1.0 < found.lower < found.estimate:
        p = exact_unconditional_p(b, c, n, found.lower, "greater", level)
        assert p <= 1.0 - level
        assert p == pytest.approx(1.0 - level, rel=1e-4)


@settings(max_examples=40, deadline=None)
@given(FEW, LEVELS)
def test_swapping_the_models_mirrors_the_bounds(counts: tuple[int, int, int], level: float) -> None:
    b, c, n = counts
    one, other = exact_bounds(b, c, n, level), exact_bounds(c, b, n, level)
    assert (one.estimate, one.lower, one.upper) == (-other.estimate, -other.upper, -other.lower)


@settings(max_examples=40, deadline=None)
@given(FEW)
def test_more_confidence_never_narrows_between_the_usual_levels(counts: tuple[int, int, int]) -> None:
    found = [exact_bounds(*counts, level) for level in (0.8, 0.9, 0.95, 0.99, 0.999)]
    for narrow, wide in itertools.pairwise(found):
        assert wide.lower <= narrow.lower + 1e-9
        assert wide.upper >= narrow.upper - 1e-9


def test_one_more_gain_or_one_loss_fewer_never_lowers_the_bound() -> None:
    lower = {(b, c): exact_bounds(b, c, 400, 0.95).lower for b, c in itertools.product(range(9), repeat=2)}
    for b, c in itertools.product(range(8), repeat=2):
        assert lower[b, c] <= lower[b, c + 1] + 1e-6
        assert lower[b + 1, c] <= lower[b, c] + 1e-6


def test_a_level_that_the_exact_test_cannot_reach_excludes_nothing() -> None:
    found = exact_bounds(2, 3, 500, 1.0 - 1e-7)
    assert (found.lower, found.upper) == (-1.0, 1.0)


@pytest.mark.parametrize(("b", "c"), [(15, 14), (29, 0), (0, 0), (30, 29)])
@pytest.mark.parametrize("n", [10_000, 100_000])
def test_few_discordant_images_take_less_than_300_milliseconds(b: int, c: int, n: int) -> None:
    for cache in (_tail, _lower, _p_greater):
        cache.cache_clear()
    # Processor time: the budget must not depend on who else uses the machine.
    start = time.process_time()
    exact_bounds(b, c, n, 0.95)
    assert time.process_time() - start < 0.3


def test_wrong_arguments_are_refused_with_both_values() -> None:
    with pytest.raises(ValueError, match=r"b \+ c is 11 \(b = 5, c = 6\), but n is only 10"):
        exact_bounds(5, 6, 10, 0.95)
    with pytest.raises(ValueError, match="side is 'both'"):
        exact_unconditional_p(1, 2, 10, 0.0, "both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"difference is -1\.1"):
        exact_unconditional_p(1, 2, 10, -1.1, "less")
    with pytest.raises(ValueError, match=r"confidence is 1\.0"):
        exact_unconditional_p(1, 2, 10, 0.0, "less", 1.0)
