from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import csr_array

from vetgate.statistics import attainable_levels, bootstrap, replicates_needed, unseen_change, widen

Floats = NDArray[np.float64]


def ones(count: int) -> NDArray[np.int64]:
    return np.ones(count, dtype=np.int64)


@pytest.fixture
def skewed() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(1)
    x = rng.exponential(size=60)
    return x, x + rng.normal(size=60) * 0.5 + 0.2


def test_bca_bounds_of_paired_figures_are_those_of_scipy(skewed: tuple[Floats, Floats]) -> None:
    x, y = skewed
    design = np.stack([x, y, np.ones(60)])
    found = bootstrap(
        lambda sums: np.stack([sums[1] / sums[0], sums[0] / sums[2], (sums[1] - sums[0]) / sums[2]]),
        design,
        ones(60),
        replicates=40_000,
        levels=(0.05, 0.95),
    )
    figures: list[Any] = [
        lambda a, b, axis: b.sum(axis) / a.sum(axis),
        lambda a, b, axis: a.mean(axis),
        lambda a, b, axis: (b - a).mean(axis),
    ]
    assert found.methods == ("BCa", "BCa", "BCa")
    for row, figure in enumerate(figures):
        known = stats.bootstrap(
            (x, y), figure, paired=True, vectorized=True, n_resamples=40_000, confidence_level=0.9, batch=2_000, rng=0
        )
        assert found.estimate[row] == pytest.approx(figure(x, y, 0))
        width = known.confidence_interval.high - known.confidence_interval.low
        assert found.values[row] == pytest.approx(list(known.confidence_interval), abs=0.02 * width)


def test_images_that_are_alike_may_be_one_cell() -> None:
    values, sizes = np.array([[0.0, 1.0, 4.0]]), np.array([40, 30, 10])
    joined = bootstrap(lambda sums: sums / 80, values, sizes, replicates=40_000)
    apart = bootstrap(lambda sums: sums / 80, np.repeat(values, sizes, axis=1), ones(80), replicates=40_000)
    assert joined.estimate == pytest.approx(apart.estimate)
    assert joined.values == pytest.approx(apart.values, abs=0.01)


def test_few_large_cells_are_drawn_at_once_with_the_right_spread() -> None:
    # A share of 0.3 of 40,000 images has a standard error of 0.00229.
    found = bootstrap(
        lambda sums: sums / 40_000, np.array([[1.0, 0.0]]), np.array([12_000, 28_000]), levels=(0.05, 0.95)
    )
    error = math.sqrt(0.3 * 0.7 / 40_000)
    assert found.values[0] == pytest.approx([0.3 - 1.645 * error, 0.3 + 1.645 * error], abs=0.06 * error)


def test_every_stratum_keeps_its_images_in_every_resample() -> None:
    strata = np.array([0, 0, 1, 1, 1, 2, 3, 3])
    sizes = np.array([3, 1, 2, 2, 2, 5, 300, 100])
    design = csr_array((np.ones(8), (strata, np.arange(8))), shape=(4, 8))
    seen: list[Floats] = []

    def totals(sums: Floats) -> Floats:
        seen.append(sums)
        return sums

    found = bootstrap(totals, design, sizes, strata, replicates=1_000, levels=(0.05, 0.95))
    for sums in seen:
        assert sums == pytest.approx(np.tile(np.array([[4.0], [6.0], [5.0], [400.0]]), sums.shape[1]))
    assert found.methods == ("constant",) * 4


def test_small_strata_lose_no_spread() -> None:
    # Means of 400 strata of 2 images each: the true standard error is sqrt(0.25 / 800), what resampling 2 of 2 sees is
    # 0.707 of it.
    rng = np.random.default_rng(3)
    strata = np.repeat(np.arange(400), 2)
    found = bootstrap(
        lambda sums: sums / 800,
        rng.integers(0, 2, (1, 800)).astype(np.float64),
        ones(800),
        strata,
        levels=(0.05, 0.95),
    )
    width = (found.values[0, 1] - found.values[0, 0]) / (2 * 1.645)
    assert width == pytest.approx(math.sqrt(0.25 / 800), rel=0.1)


def test_a_figure_that_never_moves_is_its_own_bound() -> None:
    found = bootstrap(lambda sums: np.ones_like(sums) * 0.25, np.array([[1.0, 2.0]]), ones(2))
    assert found.methods == ("constant",)
    assert (found.values == 0.25).all()


def test_where_all_resamples_lie_on_one_side_the_percentiles_are_given() -> None:
    # The sum of squared shares is least in the sample itself, where every image stands once.
    design = np.eye(30)
    found = bootstrap(lambda sums: (sums**2).sum(axis=0, keepdims=True), design, ones(30))
    assert found.methods == ("percentile",)
    assert np.isfinite(found.values).all()


def test_one_image_alone_gives_no_spread_and_no_error() -> None:
    found = bootstrap(lambda sums: sums, np.array([[0.5]]), ones(1), replicates=100, levels=(0.1, 0.9))
    assert found.values.tolist() == [[0.5, 0.5]]


def test_a_level_with_too_few_replicates_is_refused_with_the_number_that_would_do() -> None:
    for level in (0.0005, 0.9995):
        with pytest.raises(ValueError, match="needs 20,000 replicates, and 10,000 were asked for"):
            bootstrap(lambda sums: sums, np.ones((1, 2)), ones(2), levels=(level,))
    assert replicates_needed(0.05) == 200
    assert bootstrap(lambda sums: sums, np.ones((1, 2)), ones(2), replicates=200, levels=(0.05, 0.95)).levels


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, math.nan])
def test_a_level_outside_its_range_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match=r"lies in \(0, 1\)"):
        bootstrap(lambda sums: sums, np.ones((1, 2)), ones(2), levels=(level,))


def test_an_empty_cell_or_a_figure_without_value_is_refused() -> None:
    with pytest.raises(ValueError, match="every cell needs an image"):
        bootstrap(lambda sums: sums, np.ones((1, 2)), np.array([1, 0]))
    with pytest.raises(ValueError, match="every cell needs an image"):
        bootstrap(lambda sums: sums, np.ones((1, 0)), ones(0))
    with pytest.raises(ValueError, match="not finite"):
        bootstrap(lambda sums: sums * math.nan, np.ones((1, 2)), ones(2), replicates=2_000)


def test_attainable_levels_hold_both_ends_of_every_confidence() -> None:
    found = attainable_levels((0.95, 0.97, 0.9999), 10_000)
    assert {0.05, 0.95, 0.03, 0.97} <= set(found)
    assert found == tuple(sorted(found))
    assert not {0.0001, 0.9999} & set(found)
    assert attainable_levels((0.95,), 100) == (0.1, 0.5, 0.9)
    assert attainable_levels((), 15) == ()


CELLS = st.lists(st.tuples(st.integers(1, 30), st.integers(-3, 3), st.integers(0, 2)), min_size=1, max_size=8)


@given(CELLS, st.integers(0, 99))
def test_the_negative_of_a_figure_has_mirrored_bounds(cells: list[tuple[int, int, int]], seed: int) -> None:
    sizes, terms, groups = (np.array(column) for column in zip(*cells, strict=True))
    strata = np.unique(groups, return_inverse=True)[1]
    levels = (0.1, 0.25, 0.75, 0.9)

    def of(sign: float) -> Floats:
        values: Floats = bootstrap(
            lambda sums: sign * sums, terms[np.newaxis] * 1.0, sizes, strata, replicates=200, seed=seed, levels=levels
        ).values[0]
        return values

    assert np.isfinite(of(1.0)).all()
    assert (np.diff(of(1.0)) >= -1e-9).all()
    assert of(-1.0)[::-1] == pytest.approx(-of(1.0), abs=1e-9)


def test_unseen_events_of_one_stratum_follow_the_rule_of_three() -> None:
    assert unseen_change(np.array([300]), np.array([1 / 300]), 0.05) == pytest.approx(1 - 0.05 ** (1 / 300))
    assert unseen_change(np.array([1]), np.array([1.0]), 0.05) == pytest.approx(0.95)
    assert unseen_change(np.array([0]), np.array([1.0]), 0.05) == 0.0


def test_unseen_events_over_strata_take_the_worst_mixture() -> None:
    images, effects, error = np.array([1, 10, 4]), np.array([0.5, 0.05, 0.01]), 0.05
    grid = np.linspace(0, 1, 401)[:-1]
    one, other = np.meshgrid(grid, grid)
    allowed = (1 - one) * (1 - other) ** 10 >= error
    searched = np.where(allowed, 0.5 * one + 0.5 * other, 0).max()
    assert unseen_change(images, effects, error) == pytest.approx(searched, abs=2e-3)


def test_equal_strata_are_one_stratum_to_unseen_events() -> None:
    assert unseen_change(np.full(50, 10), np.full(50, 1 / 500), 0.01) == pytest.approx(1 - 0.01 ** (1 / 500))


@pytest.mark.parametrize("error", [0.0, 1.0, -1.0, math.nan])
def test_unseen_events_need_a_chance(error: float) -> None:
    with pytest.raises(ValueError, match=r"lies in \(0, 1\)"):
        unseen_change(np.array([1]), np.array([1.0]), error)


def test_bounds_are_widened_to_what_was_not_seen_and_kept_in_range() -> None:
    found = widen((0.05, 0.5, 0.95), (0.99, 1.0, 1.0), 1.0, lambda error: 2 * error, low=0.0, high=1.0)
    assert found == pytest.approx((0.9, 1.0, 1.0))


def test_bounds_allow_for_more_bias_than_resampling_shows_on_the_side_that_it_leans_from() -> None:
    found = widen((0.05, 0.5, 0.95), (0.6, 0.7, 0.8), 0.7, lambda _: 0.0, low=0.0, high=1.0, bias=(0.01, 0.0))
    assert found == pytest.approx((0.58, 0.7, 0.8))
    found = widen((0.05, 0.5, 0.95), (0.6, 0.7, 0.8), 0.7, lambda _: 0.0, low=0.0, high=1.0, bias=(0.0, 0.01))
    assert found == pytest.approx((0.6, 0.7, 0.82))


def test_resamples_tell_the_bias_of_a_curved_figure_and_none_of_a_mean() -> None:
    rng = np.random.default_rng(3)
    terms = rng.normal(size=(2, 60))
    found = bootstrap(lambda sums: np.stack([sums[0] / 60, (sums[1] / 60) ** 2]), terms, np.ones(60, dtype=np.int64))
    assert found.bias == pytest.approx((0.0, terms[1].var() / 60), abs=0.002)
