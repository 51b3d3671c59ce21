import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, multinomial

from vetgate.statistics import Capitals, betting_bounds, betting_capitals, images_expected, log_capitals
from vetgate.statistics.betting import _LOG_WEIGHTS, BETS

MARGIN = 0.01
ENOUGH = math.log(20.0)

PAIRED = st.integers(1, 20_000).flatmap(
    lambda n: st.integers(0, n).flatmap(lambda b: st.tuples(st.just(b), st.integers(0, n - b), st.just(n)))
)
SINGLE = st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
THRESHOLDS = st.floats(-1.0, 1.0)
SHARES = st.floats(0.0, 1.0)
CONFIDENCES = st.floats(0.51, 0.9999)


@st.composite
def looks(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return down, up and n at up to five looks of one run."""
    steps = draw(st.lists(st.tuples(*[st.integers(0, 60)] * 3), min_size=1, max_size=5))
    assume(sum(steps[0]) > 0)
    down, up, rest = np.cumsum(np.array(steps), axis=0).T
    return down, up, down + up + rest


def capital_bet_by_bet(terms: list[int], threshold: float) -> float:
    """Return K+ of terms in [-1, 1] with bets 1 + l (d - t), image by image, as the paper writes it."""
    capital = 0.0
    for bet, weight in zip(BETS, np.exp(_LOG_WEIGHTS), strict=True):
        capital += weight * math.prod(1.0 + bet / (1.0 + threshold) * (term - threshold) for term in terms)
    return capital


def test_the_weights_of_the_bets_add_up_to_one() -> None:
    assert np.exp(_LOG_WEIGHTS).sum() == pytest.approx(1.0, abs=1e-12)


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=40), st.floats(-0.9, 0.9))
def test_capital_is_the_papers_product_in_any_order(terms: list[int], threshold: float) -> None:
    up, down = terms.count(1), terms.count(-1)
    log_up, log_down = log_capitals(up, len(terms), threshold, down)
    assert math.exp(log_up) == pytest.approx(capital_bet_by_bet(terms, threshold), rel=1e-9)
    assert math.exp(log_down) == pytest.approx(capital_bet_by_bet([-term for term in terms], -threshold), rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("threshold", [-0.3, -0.01, 0.0, 0.2])
@pytest.mark.parametrize("discordance", [0.3, 0.6, 1.0])
def test_expected_capital_at_the_threshold_is_one(n: int, threshold: float, discordance: float) -> None:
    down, up = np.array([(b, c) for b, c in itertools.product(range(n + 1), repeat=2) if b + c <= n]).T
    population = [(discordance - threshold) / 2.0, (discordance + threshold) / 2.0, 1.0 - discordance]
    chances = multinomial.pmf(np.stack([down, up, n - down - up], axis=1), n, population)
    for logs in log_capitals(up, n, threshold, down):
        assert (chances * np.exp(logs)).sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("n", [1, 7, 60])
@pytest.mark.parametrize("threshold", [0.02, 0.5, 0.9, 0.999])
def test_expected_capital_of_a_proportion_at_the_threshold_is_one(n: int, threshold: float) -> None:
    counts = np.arange(n + 1)
    for logs in log_capitals(counts, n, threshold):
        assert (binom.pmf(counts, n, threshold) * np.exp(logs)).sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("truth", [-0.2, -0.05])
def test_expected_capital_is_below_one_where_the_truth_keeps_to_the_other_side(truth: float) -> None:
    n = 12
    down, up = np.array([(b, c) for b, c in itertools.product(range(n + 1), repeat=2) if b + c <= n]).T
    chances = multinomial.pmf(np.stack([down, up, n - down - up], axis=1), n, [0.3 - truth, 0.3, 0.4 + truth])
    assert (chances * np.exp(log_capitals(up, n, -0.01, down)[0])).sum() < 1.0


@given(PAIRED, THRESHOLDS)
def test_one_loss_fewer_or_one_gain_more_never_lowers_the_capital_up(
    counts: tuple[int, int, int], threshold: float
) -> None:
    b, c, n = counts
    before = log_capitals(c, n, threshold, b)
    if b + c < n:
        better = log_capitals(c + 1, n, threshold, b)
        assert better[0] >= before[0] - 1e-9
        assert better[1] <= before[1] + 1e-9
    if b:
        better = log_capitals(c, n, threshold, b - 1)
        assert better[0] >= before[0] - 1e-9
        assert better[1] <= before[1] + 1e-9


@given(SINGLE, SHARES, SHARES)
def test_capital_up_falls_and_capital_down_rises_with_the_threshold(
    counts: tuple[int, int], first: float, second: float
) -> None:
    low, high = (log_capitals(*counts, threshold) for threshold in sorted((first, second)))
    # Bets on the far side hold differences of large logarithms.
    slack = 1e-9 * counts[1]
    assert high[0] <= low[0] + slack
    assert high[1] >= low[1] - slack


@given(PAIRED, THRESHOLDS)
def test_swapping_the_models_swaps_the_capitals(counts: tuple[int, int, int], threshold: float) -> None:
    b, c, n = counts
    one, other = log_capitals(c, n, threshold, b), log_capitals(b, n, -threshold, c)
    assert (one[0], one[1]) == (other[1], other[0])


@given(PAIRED, st.sampled_from([-1.0, 1.0, -1.0 + 1e-15, 0.0, 0.3]))
def test_capitals_are_numbers_at_the_ends_of_the_thresholds(counts: tuple[int, int, int], threshold: float) -> None:
    b, c, n = counts
    for capitals in (log_capitals(c, n, threshold, b), log_capitals(c, n, max(threshold, 0.0))):
        assert not np.isnan(capitals).any()
        assert max(capitals) < math.inf


@given(PAIRED)
def test_nobody_wins_on_a_difference_beyond_the_ends(counts: tuple[int, int, int]) -> None:
    b, c, n = counts
    assert log_capitals(c, n, 1.0, b)[0] <= 1e-12
    assert log_capitals(c, n, -1.0, b)[1] <= 1e-12
    assert log_capitals(c, n, 1.0)[0] <= 1e-12
    assert log_capitals(c, n, 0.0)[1] <= 1e-12


def test_counts_and_thresholds_broadcast() -> None:
    up, down = log_capitals([[1], [2]], [10, 20, 30], -0.01, [[0], [3]])
    assert up.shape == down.shape == (2, 3)
    assert up[1, 2] == pytest.approx(float(log_capitals(2, 30, -0.01, 3)[0]))
    many = log_capitals(2, 30, [-0.5, -0.01, 0.0], 3)[0]
    assert many[1] == pytest.approx(float(log_capitals(2, 30, -0.01, 3)[0]))
    assert log_capitals([], [], 0.5)[0].shape == (0,)


def test_more_capitals_than_are_computed_at_once_are_those_computed_alone() -> None:
    n = np.arange(1, 200_001)
    logs = log_capitals(n // 50, n, -0.01, n // 40)[0]
    assert logs[150_000] == pytest.approx(float(log_capitals(3_000, 150_001, -0.01, 3_750)[0]))


def test_capitals_remember_the_best_look() -> None:
    found = betting_capitals([0, 0], [430, 500], -MARGIN, [0, 9])
    assert found.up == pytest.approx(math.exp(float(log_capitals(0, 430, -MARGIN, 0)[0])))
    assert found.up >= 20.0 > math.exp(float(log_capitals(0, 500, -MARGIN, 9)[0]))


def test_capital_never_falls_below_what_it_began_with_and_may_exceed_every_float() -> None:
    assert betting_capitals([0], [50], 0.9).up == 1.0
    assert betting_capitals([0, 0], [0, 1], 0.0) == Capitals(1.0, 1.0)
    assert betting_capitals([5_000], [5_000], 0.001).up == math.inf


@pytest.mark.parametrize(("images", "enough"), [(424, True), (423, False)])
def test_identical_models_are_decided_on_one_point_after_424_images(images: int, enough: bool) -> None:
    assert (betting_capitals([0], [images], -MARGIN, [0]).up >= 20.0) is enough


@given(looks(), CONFIDENCES)
def test_bounds_are_where_the_capital_just_decides(
    run: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], confidence: float
) -> None:
    down, up, n = run
    found = betting_bounds(up, n, confidence, down)
    assert -1.0 <= min(found.lower, found.upper) <= max(found.lower, found.upper) <= 1.0
    enough = 1.0 / (1.0 - confidence)
    if found.lower > -1.0 + 1e-6:
        assert betting_capitals(up, n, found.lower - 1e-9, down).up >= enough
        assert betting_capitals(up, n, found.lower + 1e-9, down).up < enough
    if found.upper < 1.0 - 1e-6:
        assert betting_capitals(up, n, found.upper + 1e-9, down).down >= enough
        assert betting_capitals(up, n, found.upper - 1e-9, down).down < enough


@given(looks(), CONFIDENCES)
def test_bounds_of_a_proportion_are_where_the_capital_just_decides(
    run: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], confidence: float
) -> None:
    _, up, n = run
    found = betting_bounds(up, n, confidence)
    assert 0.0 <= min(found.lower, found.upper) <= max(found.lower, found.upper) <= 1.0
    enough = 1.0 / (1.0 - confidence)
    if found.lower > 1e-6:
        assert betting_capitals(up, n, found.lower - 1e-9).up >= enough > betting_capitals(up, n, found.lower + 1e-9).up
    if found.upper < 1.0 - 1e-6:
        upper = found.upper
        assert betting_capitals(up, n, upper + 1e-9).down >= enough > betting_capitals(up, n, upper - 1e-9).down


@given(looks(), CONFIDENCES, CONFIDENCES)
def test_more_confidence_never_narrows(
    run: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], first: float, second: float
) -> None:
    down, up, n = run
    narrow, wide = (betting_bounds(up, n, level, down) for level in sorted((first, second)))
    assert wide.lower <= narrow.lower + 1e-9
    assert wide.upper >= narrow.upper - 1e-9


@given(looks(), CONFIDENCES)
def test_another_look_never_widens(
    run: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], confidence: float
) -> None:
    down, up, n = run
    earlier, later = betting_bounds(up[:1], n[:1], confidence, down[:1]), betting_bounds(up, n, confidence, down)
    assert later.lower >= earlier.lower
    assert later.upper <= earlier.upper


@pytest.mark.parametrize(("down", "up", "n"), [(1, 0, 1), (0, 0, 1), (0, 1, 1), (40, 0, 40), (0, 40, 40), (20, 20, 40)])
def test_one_image_and_all_or_none_discordant_have_bounds_that_are_numbers(down: int, up: int, n: int) -> None:
    for found in (betting_bounds([up], [n], 0.95, [down]), betting_bounds([up], [n], 0.95)):
        assert found.lower <= found.estimate <= found.upper
        assert (n == 1) == (found.upper - found.lower > 0.9)


@pytest.mark.parametrize(
    ("discordance", "difference"), [(0.0, 0.0), (0.005, 0.0), (0.02, 0.0), (0.05, 0.0), (0.1, -0.1), (0.3, -0.1)]
)
def test_expected_images_are_those_of_simulated_runs(discordance: float, difference: float) -> None:
    rng = np.random.default_rng(11)
    sizes = np.arange(25, 20_001, 25)
    population = [(discordance - difference) / 2.0, (discordance + difference) / 2.0, 1.0 - discordance]
    side = 0 if difference > -MARGIN else 1
    used = []
    for _ in range(150):
        counts = np.cumsum(rng.multinomial(25, population, size=sizes.size), axis=0)
        reached = log_capitals(counts[:, 1], sizes, -MARGIN, counts[:, 0])[side] >= ENOUGH
        used.append(sizes[reached.argmax()] if reached.any() else sizes[-1])
    # A look comes up to 25 images after the capital got there, 12 on average.
    assert images_expected(discordance, MARGIN, 0.95, difference) == pytest.approx(np.mean(used) - 12.0, rel=0.2)


@pytest.mark.parametrize(("discordance", "difference", "most"), [(0.0, 0.0, 450), (0.02, 0.0, 1_900), (0.2, -0.1, 300)])
def test_one_point_at_95_percent_is_decided_soon(discordance: float, difference: float, most: int) -> None:
    assert images_expected(discordance, MARGIN, 0.95, difference) <= most


def test_what_no_bet_decides_is_said_to_take_a_billion_images() -> None:
    assert images_expected(0.02, 1e-6, 0.95) == 10**9


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: log_capitals([3, 4], 3, 0.5), "n is 3 with up = 4, down = 0"),
        (lambda: log_capitals(2, 3, 0.5, 2), "n is 3 with up = 2, down = 2"),
        (lambda: log_capitals(-1, 3, 0.5), "up = -1"),
        (lambda: log_capitals(math.nan, 3, 0.5), "up = nan"),
        (lambda: log_capitals(1, 3, 1.5), r"threshold is 1\.5, but it must lie between 0 and 1"),
        (lambda: log_capitals(1, 3, -0.1), r"threshold is -0\.1, but it must lie between 0 and 1"),
        (lambda: log_capitals(1, 3, -1.1, 1), r"threshold is -1\.1, but it must lie between -1 and 1"),
        (lambda: log_capitals(1, 3, math.nan), "threshold is nan"),
        (lambda: betting_bounds([], [], 0.95), "at least one look with at least 1 image"),
        (lambda: betting_bounds([0], [0], 0.95), "at least one look with at least 1 image"),
        (lambda: betting_bounds([1], [2], 0.5), r"confidence is 0\.5, but it must lie between 0\.5 and 1"),
        (lambda: betting_bounds([1], [2], 95.0), r"confidence is 95\.0"),
        (lambda: images_expected(0.02, 0.0, 0.95), "the rule's own threshold"),
        (lambda: images_expected(0.02, 0.01, 0.95, -0.01), "the rule's own threshold"),
        (
            lambda: images_expected(0.02, 0.01, 0.95, 0.05),
            r"discordance is 0\.02, but it must lie between \|D\| = 0\.05",
        ),
        (lambda: images_expected(0.02, 1.0, 0.95), r"margin is 1\.0"),
        (lambda: images_expected(0.02, 0.01, math.nan), "confidence is nan"),
    ],
)
def test_wrong_arguments_are_refused_with_clear_words(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
