"""Samples and thresholds at the ends of what is possible: a number or clear words, never NaN."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vetgate.statistics import (
    Bounds,
    betting_bounds,
    betting_capitals,
    exact_unconditional_p,
    images_expected,
    images_needed,
    images_needed_identical,
    images_needed_proportion,
    mcnemar_exact_p,
    paired_bounds,
    paired_decision_p,
    pairs_needed,
    percentile_bounds,
    proportion_bounds,
    runs_needed,
    sign_bounds,
    tango_bounds,
    tango_z,
)

EXTREMES = [(0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 0, 700), (700, 0, 700), (0, 700, 700), (350, 350, 700), (30, 30, 60)]
LEVELS: dict[str, Callable[[float], object]] = {
    "betting": lambda level: betting_bounds([1], [2], level, [0]),
    "exact": lambda level: exact_unconditional_p(1, 2, 10, 0.0, "less", level),
    "images": lambda level: images_needed(0.02, 0.01, level),
    "expected": lambda level: images_expected(0.02, 0.01, level),
    "identical": lambda level: images_needed_identical(0.01, level),
    "of a proportion": lambda level: images_needed_proportion(0.9, 0.8, level),
    "paired": lambda level: paired_bounds(1, 2, 10, level),
    "decision": lambda level: paired_decision_p(1, 2, 10, 0.0, level),
    "pairs": lambda level: pairs_needed(0.9, level),
    "percentile": lambda level: percentile_bounds([1.0, 2.0], 0.5, level),
    "proportion": lambda level: proportion_bounds(1, 2, level),
    "runs": lambda level: runs_needed(0.9, level),
    "signs": lambda level: sign_bounds([0.1], level),
    "score": lambda level: tango_bounds(1, 2, 10, level),
}


@pytest.mark.parametrize("level", [-1.0, 0.0, 0.5, 1.0, 95.0, math.nan, math.inf])
@pytest.mark.parametrize("name", LEVELS)
def test_a_confidence_outside_its_domain_is_refused_in_words(name: str, level: float) -> None:
    with pytest.raises(ValueError, match=r"must lie between 0\.5 and 1, both excluded"):
        LEVELS[name](level)


@pytest.mark.parametrize("confidence", [0.51, 0.95, 0.999, 1.0 - 1e-9])
@pytest.mark.parametrize(("b", "c", "n"), EXTREMES)
def test_one_image_and_all_or_none_discordant_are_bounded_by_numbers(b: int, c: int, n: int, confidence: float) -> None:
    for found in (paired_bounds(b, c, n, confidence), betting_bounds([c], [n], confidence, [b])):
        assert -1.0 <= found.lower <= found.estimate <= found.upper <= 1.0
    for found in (proportion_bounds(c, n, confidence), betting_bounds([c], [n], confidence)):
        assert 0.0 <= found.lower <= found.estimate <= found.upper <= 1.0
    assert 0.0 < mcnemar_exact_p(b, c) <= 1.0


@pytest.mark.parametrize("threshold", [-1.0, -1.0 + 1e-12, -1e-12, 0.0, 1e-12, 1.0 - 1e-12, 1.0])
@pytest.mark.parametrize(("b", "c", "n"), EXTREMES)
def test_a_margin_of_nothing_and_of_everything_is_decided_by_numbers(b: int, c: int, n: int, threshold: float) -> None:
    p = paired_decision_p(b, c, n, threshold)
    assert 0.0 <= p.greater <= 1.0
    assert 0.0 <= p.less <= 1.0
    assert not math.isnan(tango_z(b, c, n, threshold))
    capitals = betting_capitals([c], [n], threshold, [b])
    assert capitals.up >= 1.0
    assert capitals.down >= 1.0
    assert not (capitals.up >= 20.0 and capitals.down >= 20.0)


def test_identical_models_are_never_shown_to_differ_from_each_other() -> None:
    p = paired_decision_p(0, 0, 10_000, 0.0)
    assert min(p.greater, p.less) > 0.05
    assert betting_capitals([0], [10_000], 0.0, [0]) == betting_capitals([0], [1], 0.0, [0])


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.01, math.nan])
def test_a_plan_for_a_margin_that_none_could_keep_is_refused_in_words(margin: float) -> None:
    with pytest.raises(ValueError, match=r"margin is .*must lie between 0 and 1"):
        images_needed(0.02, margin, 0.95)
    with pytest.raises(ValueError, match=r"margin is .*must lie between 0 and 1"):
        images_needed_identical(margin, 0.95)


@given(st.lists(st.just(0.37), min_size=1, max_size=300), st.floats(0.51, 0.999))
def test_constant_times_have_bounds_at_that_time_or_none(values: list[float], confidence: float) -> None:
    of_time = percentile_bounds(values, 0.5, confidence)
    assert of_time.estimate == 0.37
    assert of_time.lower in (-math.inf, 0.37)
    assert of_time.upper in (math.inf, 0.37)
    of_ratio = sign_bounds(values, confidence)
    assert of_ratio.lower == pytest.approx(math.exp(0.37)) or of_ratio.lower == 0.0
    assert of_ratio.upper == pytest.approx(math.exp(0.37)) or of_ratio.upper == math.inf


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("b", "c", "n"), [*EXTREMES, (4, 9, 400), (60, 40, 10_000)])
def test_more_confidence_nests_every_kind_of_bounds(b: int, c: int, n: int, confidence: float) -> None:
    def all_kinds(level: float) -> list[Bounds]:
        return [
            paired_bounds(b, c, n, level),
            proportion_bounds(c, n, level),
            betting_bounds([c], [n], level, [b]),
            betting_bounds([c], [n], level),
        ]

    for narrow, wide in zip(all_kinds(confidence), all_kinds(1.0 - (1.0 - confidence) / 4.0), strict=True):
        assert wide.lower <= narrow.lower + 1e-9
        assert wide.upper >= narrow.upper - 1e-9
