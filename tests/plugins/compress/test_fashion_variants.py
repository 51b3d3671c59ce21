"""The recipes on the example's reference, a residual network of 147,066 parameters."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from tests.plugins.compress.conftest import Fashion

PRUNED = 146_192
"""Weights of its convolutions and its classifier."""


def test_float16_names_the_same_classes(fashion: Fashion) -> None:
    assert fashion.agreement("float16") > 0.999
    stored = {tensor.data_type for tensor in fashion.variant("float16").model.graph.initializer}
    assert stored - {TensorProto.INT64} == {TensorProto.FLOAT16}


@pytest.mark.parametrize("name", ["int8-dynamic", "int8-static"])
def test_eight_bits_name_nearly_the_same_classes(fashion: Fashion, name: str) -> None:
    variant = fashion.variant(name)
    assert {array.dtype.itemsize for array in variant.weights.values()} == {1}
    assert variant.path.stat().st_size < 0.35 * fashion.variant("float32").path.stat().st_size
    assert fashion.agreement(name) > 0.98


@pytest.mark.parametrize(("name", "rate"), [("prune-l1-10", 0.1), ("prune-l1-50", 0.5), ("prune-random-30", 0.3)])
def test_the_share_that_the_recipe_says_is_zero(fashion: Fashion, name: str, rate: float) -> None:
    weights = fashion.variant(name).weights.values()
    assert sum(array.size for array in weights) == PRUNED
    assert sum(int(np.sum(array == 0)) for array in weights) == pytest.approx(rate * PRUNED, abs=1)


def test_light_pruning_keeps_the_function_and_random_pruning_does_not(fashion: Fashion) -> None:
    assert fashion.agreement("prune-l1-10") > 0.99
    assert fashion.agreement("prune-random-30") < 0.5


def test_half_of_all_channels_leaves_a_quarter_of_the_parameters(fashion: Fashion) -> None:
    variant = fashion.variant("prune-structured-50")
    assert sum(array.size for array in variant.weights.values()) < 0.27 * PRUNED
    assert variant.made.notes[0].startswith("parameters 147,066 -> 37,186 (25.3%), MACs for an image 9,452,554 -> ")


@pytest.mark.parametrize(("name", "clusters", "agreement"), [("cluster-16", 16, 0.94), ("cluster-256", 256, 0.99)])
def test_every_large_tensor_has_at_most_so_many_values(
    fashion: Fashion, name: str, clusters: int, agreement: float
) -> None:
    for array in fashion.variant(name).weights.values():
        if array.size > 8 * clusters:
            assert len(np.unique(array)) <= clusters
    assert fashion.agreement(name) > agreement


def test_structured_pruning_then_dynamic_quantisation_is_both(fashion: Fashion) -> None:
    variant = fashion.variant("prune-structured-50+int8-dynamic")
    assert variant.operators["ConvInteger"] == 9
    assert {array.dtype for array in variant.weights.values()} == {np.dtype(np.uint8)}
    assert sum(array.size for array in variant.weights.values()) < 0.27 * PRUNED


def test_l1_pruning_then_static_quantisation_is_both(fashion: Fashion) -> None:
    variant = fashion.variant("prune-l1-50+int8-static")
    assert {array.dtype for array in variant.weights.values()} == {np.dtype(np.int8)}
    # S8 weights have their zero at 0, and rounding makes more of them
    assert sum(int(np.sum(array == 0)) for array in variant.weights.values()) >= 0.5 * PRUNED - 1
    assert fashion.agreement("prune-l1-50+int8-static") > 0.95
