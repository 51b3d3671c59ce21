"""Debiased linear CKA: its laws, and what it is without each image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vetgate.statistics import debiased_cka, jackknife_cka


def _drawn(seed: int, n: int, d: int, e: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) + 3
    return x, x @ rng.normal(size=(d, e)) + rng.normal(size=(n, e))


def _by_definition(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return it by Gram matrices, as Nguyen et al. write HSIC_1."""

    def hsic(first: NDArray[Any], second: NDArray[Any]) -> float:
        k, m = first @ first.T, second @ second.T
        np.fill_diagonal(k, 0)
        np.fill_diagonal(m, 0)
        n, one = len(k), np.ones(len(k))
        total = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        return float((np.trace(k @ m) + total - 2 / (n - 2) * (one @ k @ m @ one)) / (n * (n - 3)))

    return hsic(x, y) / float(np.sqrt(hsic(x, x) * hsic(y, y)))


seeds, sizes = st.integers(0, 1 << 30), st.integers(8, 30)


@given(seeds, sizes)
@settings(max_examples=25, deadline=None)
def test_it_is_the_figure_of_the_paper_also_without_each_image(seed: int, n: int) -> None:
    x, y = _drawn(seed, n, 2, 3)
    assert debiased_cka(x, y) == pytest.approx(_by_definition(x, y), abs=1e-8)
    wanted = [_by_definition(np.delete(x, place, 0), np.delete(y, place, 0)) for place in range(n)]
    np.testing.assert_allclose(jackknife_cka(x, y), wanted, atol=1e-8)


@given(seeds, st.floats(1e-3, 1e3), st.floats(-100, 100))
@settings(max_examples=25, deadline=None)
def test_rotation_scale_and_shift_change_nothing(seed: int, scale: float, shift: float) -> None:
    x, y = _drawn(seed, 20, 4, 3)
    turned, _ = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(4, 4)))
    assert debiased_cka(scale * x @ turned + shift, y) == pytest.approx(debiased_cka(x, y), abs=1e-7)
    assert debiased_cka(x, scale * x @ turned + shift) == pytest.approx(1.0, abs=1e-7)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_it_is_symmetric_bounded_and_blind_to_the_order_of_images(seed: int) -> None:
    x, y = _drawn(seed, 15, 3, 5)
    order = np.random.default_rng(seed).permutation(15)
    value = debiased_cka(x, y)
    assert -1 <= value <= 1
    assert debiased_cka(y, x) == pytest.approx(value, abs=1e-9)
    assert debiased_cka(x[order], y[order]) == pytest.approx(value, abs=1e-9)


def test_unrelated_features_score_chance_however_many_they_are() -> None:
    rng = np.random.default_rng(4)
    values = [debiased_cka(rng.normal(size=(256, 512)), rng.normal(size=(256, 512))) for _ in range(5)]
    assert abs(float(np.mean(values))) < 0.01


@pytest.mark.parametrize("constant", [np.zeros((9, 4)), np.full((9, 4), 0.1), np.full((9, 4), 1e-30)])
def test_a_constant_side_is_refused_not_scored(constant: NDArray[Any]) -> None:
    x = np.random.default_rng(0).normal(size=(9, 4))
    for pair in ((x, constant), (constant, x), (constant, constant)):
        with pytest.raises(ValueError, match="the same for every image"):
            debiased_cka(*pair)


def test_too_few_images_and_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 5 images, and there are 4"):
        debiased_cka(np.eye(4), np.eye(4))
    with pytest.raises(ValueError, match="not of the same images"):
        debiased_cka(np.eye(6), np.eye(7))
