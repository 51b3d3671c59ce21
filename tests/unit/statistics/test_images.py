from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vetgate.statistics import bootstrap, bootstrap_images, widen
from vetgate.statistics.images import WEIGHTS_AT_ONCE

Floats = NDArray[np.float64]
ENDS = (0.05, 0.5, 0.95)


def mean(sums: Floats) -> Floats:
    return sums / 500


def skewed(count: int = 500) -> Floats:
    return np.random.default_rng(1).exponential(size=(1, count))


def test_a_mean_has_the_bounds_that_cells_of_one_image_give_it() -> None:
    design = skewed()
    ones = np.ones(500, dtype=np.int64)
    zeros = np.zeros(500, dtype=np.int64)
    found = bootstrap_images(mean, design, levels=ENDS)
    cells = bootstrap(mean, design, ones, zeros, levels=ENDS)
    assert found.estimate == pytest.approx(cells.estimate)
    spread = float(design.std()) / math.sqrt(500)
    assert np.abs(found.values - cells.values).max() < 0.1 * spread
    assert found.methods == cells.methods == ("BCa",)


def test_counts_of_ones_are_summed_exactly_and_give_the_bounds_of_the_dense_sums() -> None:
    chosen = np.random.default_rng(2).random((3, 500)) < np.array([[0.1], [0.5], [0.9]])
    dense = bootstrap_images(mean, chosen.astype(np.float64), levels=ENDS)
    sparse = bootstrap_images(mean, csr_array(chosen.astype(np.float64)), levels=ENDS)
    np.testing.assert_allclose(sparse.values, dense.values, atol=1e-6)
    totals = sparse.values * 500
    assert sparse.estimate.tolist() == (chosen.sum(axis=1) / 500).tolist()
    assert np.isfinite(totals).all()


def test_figures_bounded_together_have_the_bounds_that_they_have_alone() -> None:
    designs = [np.random.default_rng(seed).random((1, 500)) for seed in (3, 4)]
    together = bootstrap_images(mean, np.concatenate(designs), levels=ENDS)
    for row, design in enumerate(designs):
        np.testing.assert_allclose(
            together.values[row], bootstrap_images(mean, design, levels=ENDS).values[0], rtol=1e-6
        )


def test_the_seed_chooses_the_resamples_and_the_same_seed_gives_the_same() -> None:
    first, again, other = (bootstrap_images(mean, skewed(), seed=seed, levels=ENDS).values for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).all()


def test_so_many_images_that_one_resample_is_a_draw_are_not_kept() -> None:
    count = WEIGHTS_AT_ONCE + 1
    design = np.zeros((1, count))
    design[0, : count // 2] = 1.0
    found = bootstrap_images(lambda sums: sums / count, design, replicates=20, levels=(0.5,))
    assert found.values[0, 0] == pytest.approx(0.5, abs=0.01)


def test_a_figure_that_never_moves_is_its_own_bound() -> None:
    found = bootstrap_images(mean, np.full((1, 500), 0.3), levels=ENDS)
    assert found.methods == ("constant",)
    assert found.values[0] == pytest.approx(0.3)


def test_one_image_has_no_spread_and_no_error() -> None:
    found = bootstrap_images(lambda sums: sums, np.array([[0.4]]), levels=ENDS)
    assert found.values[0] == pytest.approx(0.4)


def test_without_levels_nothing_is_resampled() -> None:
    found = bootstrap_images(mean, skewed(), replicates=1, levels=())
    assert found.values.shape == (1, 0)
    assert found.method(0) == "images not seen"


def test_no_image_or_a_figure_without_value_is_refused() -> None:
    with pytest.raises(ValueError, match="an image"):
        bootstrap_images(mean, np.empty((1, 0)), levels=ENDS)
    with pytest.raises(ValueError, match="not finite"):
        bootstrap_images(lambda sums: sums * np.inf, skewed(), levels=ENDS)
    with pytest.raises(ValueError, match="needs 200 replicates"):
        bootstrap_images(mean, skewed(), replicates=100, levels=ENDS)


@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_a_mean_of_values_in_a_range_stays_near_it(count: int, seed: int) -> None:
    design = np.random.default_rng(seed).random((2, count))
    found = bootstrap_images(lambda sums: sums / count, design, replicates=400, levels=ENDS)
    low, high = design.min(axis=1, keepdims=True), design.max(axis=1, keepdims=True)
    stretch = (high - low) * (math.sqrt(count / (count - 1)) - 1.0) + 1e-6
    assert (found.values >= low - stretch).all()
    assert (found.values <= high + stretch).all()


def test_bounds_may_be_widened_upwards_by_another_change_than_downwards() -> None:
    found = widen(ENDS, (0.5,) * 3, 0.5, lambda error: 0.1, unseen_up=lambda error: 0.3, low=0.0, high=1.0)
    assert found == pytest.approx((0.4, 0.5, 0.8))


def test_a_bound_farther_out_is_never_nearer_though_more_unseen_may_move_the_figure_less() -> None:
    found = widen((0.01, 0.05, 0.5), (0.5,) * 3, 0.5, lambda error: error, low=0.0, high=1.0)
    assert found == pytest.approx((0.45, 0.45, 0.5))
