from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from vetgate_compress.cluster import cluster_values

from tests.plugins.compress.conftest import MakeBench, compress
from vetgate.api import Inconclusive, UsageError


@given(arrays(np.float32, st.integers(3, 60), elements=st.floats(-4, 4, width=32)), st.integers(2, 12))
def test_clusters_are_at_most_so_many_lie_within_the_weights_and_keep_their_order(
    values: np.ndarray, clusters: int
) -> None:
    after = cluster_values(values, clusters, seed=1)

    assert after.dtype == np.float32
    assert after.shape == values.shape
    assert len(np.unique(after)) <= clusters
    margin = 1e-6 * (1 + np.abs(values).max())
    assert values.min() - margin <= after.min() <= after.max() <= values.max() + margin
    assert (np.diff(after[np.argsort(values, kind="stable")]) >= 0).all()


def test_clusters_that_are_there_are_found() -> None:
    levels = np.asarray([-1.0, 0.0, 0.5, 2.0], dtype=np.float32)
    values = np.random.default_rng(0).permutation(np.repeat(levels, 100)).reshape(20, 20)
    noisy = values + np.random.default_rng(1).normal(scale=1e-3, size=values.shape).astype(np.float32)

    after = cluster_values(noisy, 4, seed=1)

    np.testing.assert_allclose(np.unique(after), levels, atol=1e-3)
    np.testing.assert_allclose(after, values, atol=1e-3)


@pytest.mark.parametrize("clusters", [4, 64, 1024])
def test_the_error_is_near_the_least_that_so_many_levels_can_have(clusters: int) -> None:
    """Panter and Dite: for a density p, the least mean square error is (integral of p^(1/3))^3 / (12 K^2)."""
    values = np.random.default_rng(0).normal(size=20_000).astype(np.float32)
    least = (np.sqrt(6 * np.pi) / (2 * np.pi) ** (1 / 6)) ** 3 / (12 * clusters**2)
    assert np.mean((cluster_values(values, clusters, seed=1) - values) ** 2) < 1.1 * least


def test_the_outliers_of_a_large_tensor_keep_clusters_of_their_own() -> None:
    values = np.random.default_rng(0).standard_t(4, size=500_000).astype(np.float32)
    errors = []
    for clusters in (64, 256, 1024):
        after = cluster_values(values, clusters, seed=1)
        assert len(np.unique(after)) <= clusters
        errors.append(np.mean((after - values) ** 2) / values.var())
    assert errors[0] < 2e-2
    assert errors[2] < errors[1] / 8 < errors[0] / 64


def test_each_tensor_that_is_large_enough_has_at_most_so_many_values(onnx_bench: MakeBench) -> None:
    variant = compress("cluster", onnx_bench(settings={"clusters": 16}))

    distinct = {array.size: len(np.unique(array)) for array in variant.weights.values()}
    assert distinct[432] <= 16
    assert distinct[2304] <= 16
    assert distinct[80] == 80
    assert variant.made.notes[0] == "at most 16 distinct values in each of 2 of 3 weight tensors"
    assert variant.made.notes[1].endswith("8.weight (80)")


def test_an_eighth_is_not_below_an_eighth(onnx_bench: MakeBench) -> None:
    notes = compress("cluster", onnx_bench(settings={"clusters": 432 // 8})).made.notes
    assert "0.weight (432)" in notes[1]


def test_too_many_clusters_for_every_tensor_is_said_with_the_numbers(onnx_bench: MakeBench) -> None:
    bench = onnx_bench(settings={"clusters": 16384})
    with pytest.raises(
        Inconclusive, match=r"more than 8 x 16,384 = 131,072 weights; the largest, 3\.weight, has 2,304"
    ):
        compress("cluster", bench)
    assert not bench.output.exists()


def test_a_pruned_tensor_is_clustered_too() -> None:
    after = cluster_values(np.where(np.arange(900) % 3 == 0, 0, np.arange(900)).astype(np.float32), 8, seed=1)
    assert len(np.unique(after)) <= 8


@pytest.mark.parametrize("clusters", [0, 1, 2.5, "many", True, 1 << 21])
def test_a_number_of_clusters_that_is_none_is_refused(onnx_bench: MakeBench, clusters: object) -> None:
    with pytest.raises(UsageError, match=r"clusters is .* but must be a whole number from 2"):
        compress("cluster", onnx_bench(settings={"clusters": clusters}))
