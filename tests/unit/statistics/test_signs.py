import math
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta, binom

from vetgate.statistics import log_sign_capital, sign_bounds, sign_capitals
from vetgate.statistics.signs import wins_needed

PAIRS = st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=80)
CONFIDENCES = st.floats(0.51, 0.9999)
COUNTS = st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n)))


@pytest.mark.parametrize(("wins", "n"), [(0, 0), (0, 1), (1, 1), (3, 7), (20, 25), (60, 100)])
def test_capital_is_the_mixture_over_coins_that_favour_one_side(wins: int, n: int) -> None:
    def capital(p: float) -> float:
        return float(2.0 * beta.pdf(p, 0.5, 0.5) * (2.0 * p) ** wins * (2.0 * (1.0 - p)) ** (n - wins))

    assert math.exp(log_sign_capital(wins, n)) == pytest.approx(quad(capital, 0.5, 1.0)[0], rel=1e-6)


@pytest.mark.parametrize("n", [1, 2, 10, 300])
def test_expected_capital_of_a_fair_coin_is_one(n: int) -> None:
    wins = np.arange(n + 1)
    assert (binom.pmf(wins, n, 0.5) * np.exp(log_sign_capital(wins, n))).sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.49])
def test_expected_capital_of_a_coin_that_favours_the_other_side_is_less_than_one(p: float) -> None:
    wins = np.arange(41)
    assert (binom.pmf(wins, 40, p) * np.exp(log_sign_capital(wins, 40))).sum() < 1.0


def test_capital_stays_fair_from_one_pair_to_the_next() -> None:
    for n in (1, 5, 40):
        wins = np.arange(n + 1)
        now = np.exp(log_sign_capital(wins, n))
        following = (np.exp(log_sign_capital(wins, n + 1)) + np.exp(log_sign_capital(wins + 1, n + 1))) / 2.0
        assert following == pytest.approx(now, rel=1e-9)


@pytest.mark.parametrize(
    ("wins", "n", "known"),
    [(0, 1100, -7.45555601930376), (410, 2735, -8.009800288263989), (1000, 5000, -8.458505169677897)],
)
def test_capital_of_a_gambler_who_hardly_ever_wins_is_small_and_not_nothing(wins: int, n: int, known: float) -> None:
    """By mpmath 1.3 with 50 digits; P(p > 1/2) is below the smallest float."""
    assert log_sign_capital(wins, n) == pytest.approx(known, abs=1e-9)


@example((410, 2734))
@given(COUNTS)
def test_a_win_more_never_lowers_the_capital_and_a_pair_lost_never_raises_it(counts: tuple[int, int]) -> None:
    wins, n = counts
    before = log_sign_capital(wins, n)
    assert log_sign_capital(wins + 1, n) >= before
    assert log_sign_capital(wins, n + 1) <= before
    assert not np.isnan(before)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_wins_needed_are_the_fewest_that_decide(confidence: float) -> None:
    enough = -math.log1p(-confidence)
    n = np.arange(1, 401)
    needed = wins_needed(400, confidence)
    reachable = needed <= n
    assert (log_sign_capital(needed[reachable], n[reachable]) >= enough).all()
    assert (log_sign_capital(needed - 1, n) < enough).all()


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_a_fair_coin_is_ever_decided_in_at_most_a_of_runs_however_often_one_looks(confidence: float) -> None:
    chances = np.zeros(3_002)
    chances[0] = 1.0
    decided = 0.0
    for n, needed in enumerate(wins_needed(3_000, confidence).tolist(), start=1):
        chances[1 : n + 1] = (chances[:n] + chances[1 : n + 1]) / 2.0
        chances[0] /= 2.0
        decided += chances[needed : n + 1].sum()
        chances[needed : n + 1] = 0.0
    assert (1.0 - confidence) / 3.0 < decided <= 1.0 - confidence


@given(PAIRS, CONFIDENCES, st.data())
def test_a_ratio_is_rejected_exactly_where_it_lies_outside_the_bounds(
    log_ratios: list[float], confidence: float, data: st.DataObject
) -> None:
    found, enough = sign_bounds(log_ratios, confidence), 1.0 / (1.0 - confidence)
    log_ratio = data.draw(st.floats(-3.5, 3.5) | st.sampled_from(log_ratios))
    capitals = sign_capitals(log_ratios, math.exp(log_ratio))
    for end, capital, beyond in ((found.lower, capitals.up, -1.0), (found.upper, capitals.down, 1.0)):
        if end in (0.0, math.inf):
            assert capital < enough * (1.0 + 1e-9)
        elif abs(math.log(end) - log_ratio) > 1e-9:
            assert (capital >= enough) is (beyond * (log_ratio - math.log(end)) > 0.0)


def test_pairs_at_the_ratio_count_for_neither_side() -> None:
    ties = sign_capitals([0.0] * 50, 1.0)
    assert (ties.up, ties.down) == (1.0, 1.0)
    found = sign_bounds([0.0] * 50, 0.95)
    assert (found.lower, found.estimate, found.upper) == (1.0, 1.0, 1.0)
    assert sign_capitals([0.1] * 9 + [0.0] * 3, 1.0).up >= sign_capitals([0.1] * 9, 1.0).up > 20.0
    assert sign_capitals([0.0, 0.1] * 9, 1.0).up < 20.0


@pytest.mark.parametrize(("confidence", "pairs"), [(0.95, 6), (0.99, 8), (0.9, 5)])
def test_nothing_is_excluded_with_one_pair_too_few(confidence: float, pairs: int) -> None:
    log_ratios = np.linspace(0.1, 0.2, pairs)
    few, enough = sign_bounds(log_ratios[:-1], confidence), sign_bounds(log_ratios, confidence)
    assert (few.lower, few.upper) == (0.0, math.inf)
    assert enough.lower == pytest.approx(math.exp(0.1))
    assert enough.upper == pytest.approx(math.exp(0.2))


def test_one_pair_excludes_nothing() -> None:
    found = sign_bounds([0.3], 0.95)
    assert (found.lower, found.upper, found.method) == (0.0, math.inf, "betting on signs")
    assert found.estimate == pytest.approx(math.exp(0.3))


@given(PAIRS, CONFIDENCES, CONFIDENCES)
def test_more_confidence_never_narrows(log_ratios: list[float], first: float, second: float) -> None:
    narrow, wide = (sign_bounds(log_ratios, level) for level in sorted((first, second)))
    assert wide.lower <= narrow.lower
    assert wide.upper >= narrow.upper


@given(PAIRS, CONFIDENCES)
def test_another_pair_never_widens(log_ratios: list[float], confidence: float) -> None:
    earlier, later = (sign_bounds(taken, confidence) for taken in (log_ratios, [*log_ratios, 0.5]))
    assert later.lower >= earlier.lower
    assert later.upper <= earlier.upper


@given(PAIRS, CONFIDENCES)
def test_swapping_the_models_inverts_the_bounds(log_ratios: list[float], confidence: float) -> None:
    one, other = sign_bounds(log_ratios, confidence), sign_bounds([-value for value in log_ratios], confidence)
    assert one.lower == pytest.approx(1.0 / other.upper if other.upper else math.inf)
    assert one.estimate == pytest.approx(1.0 / other.estimate)


@given(PAIRS, CONFIDENCES, st.floats(0.0, 2.0))
def test_a_slower_candidate_has_higher_bounds(log_ratios: list[float], confidence: float, slowdown: float) -> None:
    before = sign_bounds(log_ratios, confidence)
    after = sign_bounds([value + slowdown for value in log_ratios], confidence)
    assert after.lower >= before.lower * (1.0 - 1e-12)
    assert after.upper >= before.upper * (1.0 - 1e-12)


def test_log_ratios_of_any_size_are_bounded_without_overflow() -> None:
    found = sign_bounds([800.0] * 30, 0.95)
    assert (found.lower, found.estimate, found.upper) == (math.inf, math.inf, math.inf)
    assert sign_bounds([-800.0] * 30, 0.95).upper == 0.0


def test_5000_pairs_are_bounded_within_half_a_second() -> None:
    log_ratios = np.random.default_rng(5).normal(0.02, 0.1, 5_000)
    start = time.process_time()
    found = sign_bounds(log_ratios, 0.95)
    assert time.process_time() - start < 0.5
    assert 1.0 < found.lower < math.exp(0.02) < found.upper < 1.03


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sign_bounds([], 0.95), r"log_ratios has shape \(0,\)"),
        (lambda: sign_bounds([0.0, math.inf, 1.0], 0.95), "log_ratios holds 1 values of 3 that are not finite"),
        (lambda: sign_bounds([0.0], 0.3), r"confidence is 0\.3"),
        (lambda: sign_bounds([0.0], math.nan), "confidence is nan"),
        (lambda: sign_capitals([], 1.0), r"log_ratios has shape \(0,\)"),
        (lambda: sign_capitals([0.1], 0.0), r"ratio is 0\.0, but it must be a number above 0"),
        (lambda: sign_capitals([0.1], math.nan), "ratio is nan"),
        (lambda: log_sign_capital(3, 2), "wins is 3 with n = 2"),
        (lambda: log_sign_capital(-1, 2), "wins is -1 with n = 2"),
    ],
)
def test_wrong_arguments_are_refused_with_clear_words(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
