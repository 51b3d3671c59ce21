from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from vetgate.domain.landscape import Part, Point
from vetgate.domain.report import DataSummary
from vetgate.landscape import distances, landscape_of, principal_coordinates, rank_correlation

Array = np.ndarray[Any, np.dtype[np.float64]]


def softmax(logits: Array) -> Array:
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def models(seed: int, count: int, images: int, classes: int) -> list[Array]:
    """Return models some of which differ in the eighth digit, some wholly, with sure answers and zeros among them."""
    rng = np.random.default_rng(seed)
    base = 4 * rng.normal(size=(images, classes))
    found = [softmax(base + 10.0 ** rng.uniform(-8, 1) * rng.normal(size=base.shape)) for _ in range(count)]
    found[-1][0] = np.eye(classes)[0]
    return found


def divergence(one: Array, other: Array) -> float:
    """Return the mean divergence by ratios, in a wider type; a ratio that vanishes even there adds nothing."""
    p, q = one.astype(np.longdouble), other.astype(np.longdouble)
    step = np.divide(p - q, p + q, out=np.zeros_like(p), where=p + q > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where((x > 0) & (y > -1), x * np.log1p(y), 0) for x, y in ((p, step), (q, -step))]
    return float((terms[0] + terms[1]).sum(axis=1).mean() / 2 / np.log(np.longdouble(2)))


several = st.builds(
    models, st.integers(0, 10_000), st.integers(2, 7), st.sampled_from([1, 3, 500]), st.sampled_from([1, 2, 10])
)


@settings(max_examples=40, deadline=None)
@given(several)
def test_distances_are_those_of_brute_force(matrices: list[Array]) -> None:
    euclidean, divergences = distances(matrices)
    for one, other in itertools.combinations(range(len(matrices)), 2):
        true = float(np.linalg.norm(matrices[one] - matrices[other]))
        assert euclidean[one, other] == pytest.approx(true, rel=1e-9, abs=1e-15)
        assert divergences[one, other] == pytest.approx(divergence(matrices[one], matrices[other]), rel=1e-9, abs=1e-18)


@settings(max_examples=40, deadline=None)
@given(several)
def test_distances_are_symmetric_with_a_diagonal_of_zero_and_keep_the_triangle(matrices: list[Array]) -> None:
    euclidean, divergences = distances(matrices)
    for matrix in (euclidean, np.sqrt(divergences)):
        assert np.array_equal(matrix, matrix.T)
        assert not np.diag(matrix).any()
        for via in range(len(matrices)):
            assert (matrix <= matrix[:, [via]] + matrix[[via], :] + 1e-9).all()
    assert divergences.max() <= 1


@settings(max_examples=20, deadline=None)
@given(several, st.randoms(use_true_random=False))
def test_permuting_models_permutes_and_permuting_images_or_classes_changes_nothing(
    matrices: list[Array], random: Any
) -> None:
    before = distances(matrices)
    order = list(range(len(matrices)))
    random.shuffle(order)
    rows, columns = (np.random.default_rng(0).permutation(size) for size in matrices[0].shape)
    permuted = distances([matrices[index] for index in order])
    shuffled = distances([matrix[rows][:, columns] for matrix in matrices])
    for old, new, same in zip(before, permuted, shuffled, strict=True):
        assert new == pytest.approx(old[np.ix_(order, order)], rel=1e-8, abs=1e-15)
        assert same == pytest.approx(old, rel=1e-8, abs=1e-15)


def test_identical_models_are_at_no_distance_at_all() -> None:
    matrices = models(3, 4, 5_000, 10)
    euclidean, divergences = distances([*matrices, matrices[1].copy()])
    assert euclidean[1, 4] == divergences[1, 4] == 0.0


def test_models_without_a_class_in_common_are_one_bit_apart() -> None:
    first, second = np.eye(2)[[0, 0, 0]], np.eye(2)[[1, 1, 1]]
    euclidean, divergences = distances([first, second])
    assert divergences[0, 1] == pytest.approx(1.0)
    assert euclidean[0, 1] == pytest.approx(math.sqrt(6))


@pytest.mark.parametrize(
    ("matrices", "told"),
    [
        ([np.full((3, 2), 0.5)], "two models at least"),
        ([np.full((3, 2), 0.5), np.full((3, 4), 0.25)], "3 x 2 and 3 x 4"),
        ([np.full((3, 2), 0.5), np.full((2, 2), 0.5)], "2 x 2 and 3 x 2"),
        ([np.full((3, 2), 0.5), np.full((3, 2), np.nan)], "no probabilities"),
        ([np.full((3, 2), 0.5), np.full((3, 2), 7.0)], "no probabilities"),
    ],
)
def test_answers_that_cannot_be_compared_are_refused(matrices: list[Array], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        distances(matrices)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 20), st.integers(1, 6))
def test_principal_coordinates_have_the_distances_that_they_were_given(seed: int, count: int, axes: int) -> None:
    points = np.random.default_rng(seed).normal(size=(count, axes)) * 10.0 ** np.arange(axes)
    true = np.linalg.norm(points[:, None] - points[None], axis=2)
    found = principal_coordinates(true)
    again = np.linalg.norm(found.coordinates[:, None] - found.coordinates[None], axis=2)
    assert again == pytest.approx(true, rel=1e-6, abs=1e-6 * true.max())
    assert (np.diff(found.eigenvalues) <= 0).all()
    assert 0 <= found.shown <= 1 + 1e-12
    assert found.negative < 1e-9


def test_distances_that_no_space_has_leave_negative_eigenvalues_and_no_nan() -> None:
    star = np.full((4, 4), 2.0)  # three points at 1 from a middle and 2 from each other have no place in any space
    star[0, :] = star[:, 0] = 1.0
    np.fill_diagonal(star, 0.0)
    found = principal_coordinates(star)
    assert found.negative > 0.01
    assert np.isfinite(found.coordinates).all()


def test_points_at_one_place_have_two_coordinates_of_zero() -> None:
    found = principal_coordinates(np.zeros((3, 3)))
    assert found.coordinates.shape == (3, 2)
    assert not found.coordinates.any()
    assert (found.shown, found.negative) == (1.0, 0.0)


@given(st.integers(0, 10_000), st.integers(3, 12))
def test_the_rank_correlation_is_spearmans_with_ties(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 4, size=(count, 2)).astype(np.float64)
    other = rng.integers(0, 3, size=(count, 2)).astype(np.float64)
    true = np.abs(other[:, None] - other[None]).sum(axis=2)
    above = np.triu_indices(count, 1)
    drawn = np.linalg.norm(points[:, None] - points[None], axis=2)
    found = rank_correlation(points, true)
    if found is None:
        assert len(set(drawn[above])) == 1 or len(set(true[above])) == 1
    else:
        assert found == pytest.approx(spearmanr(drawn[above].round(9), true[above]).statistic, abs=1e-9)


def test_two_points_have_no_rank_correlation() -> None:
    assert rank_correlation(np.eye(2), np.ones((2, 2)) - np.eye(2)) is None


def test_a_landscape_says_how_many_images_and_classes_it_is_of() -> None:
    data = DataSummary(name="d.npz", sha256="0" * 64, images=5, available=5, labelled=False, classes=None)
    points = [Point(name=name, part=Part.CANDIDATE) for name in "ab"]
    found = landscape_of(points, models(0, 2, 5, 3), data, seed=7)
    assert (found.images, found.classes, found.seed, found.data) == (5, 3, 7, "d.npz")
    with pytest.raises(ValueError, match="need 2 matrices, not 3"):
        landscape_of(points, models(0, 3, 5, 3), data, seed=7)
