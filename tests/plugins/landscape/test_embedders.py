from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from vetgate_landscape.embed import ClassicalScaling, Neighbours

from vetgate.reporting import Inconclusive, Landscape


def with_distances(landscape: Landscape, points: Any) -> Landscape:
    """Return a landscape with the distances of points in a plane, as roots of divergences and as they are."""
    true = np.linalg.norm(points[:, None] - points[None], axis=2)
    squares = tuple(tuple(row) for row in (true**2).tolist())
    return landscape.model_copy(update={"divergence": squares, "euclidean": tuple(map(tuple, true.tolist()))})


def test_classical_scaling_of_points_in_a_plane_has_their_distances(make: Any) -> None:
    points = np.random.default_rng(1).uniform(0, 0.7, size=(9, 2))
    found = ClassicalScaling().embed(with_distances(make(9), points))
    for one, other in itertools.combinations(range(9), 2):
        drawn = np.linalg.norm(np.subtract(found.coordinates[one], found.coordinates[other]))
        assert drawn == pytest.approx(np.linalg.norm(points[one] - points[other]), abs=1e-9)
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.settings["shown"] == pytest.approx(1.0)
    assert found.method == "classical scaling"


def test_two_models_are_drawn_and_have_no_rank_correlation(make: Any) -> None:
    found = ClassicalScaling().embed(make(2))
    assert len(found.coordinates) == 2
    assert found.rank_correlation is None


def test_tsne_is_the_same_again_and_says_its_perplexity(make: Any) -> None:
    pytest.importorskip("openTSNE")
    landscape = make(16)
    one, other = Neighbours().embed(landscape), Neighbours().embed(landscape)
    assert one == other
    assert one.settings["perplexity"] == pytest.approx(5.0)
    assert one.rank_correlation is not None
    assert Neighbours().embed(make(40)).settings["perplexity"] == 10.0


def test_tsne_sets_two_distant_groups_apart(make: Any) -> None:
    pytest.importorskip("openTSNE")
    rng = np.random.default_rng(2)
    points = np.concatenate([rng.normal(size=(10, 2)), rng.normal(size=(10, 2)) + 100])
    found = np.asarray(Neighbours().embed(with_distances(make(20), points)).coordinates)
    first, second = found[:10], found[10:]
    within = max(np.linalg.norm(group - group.mean(axis=0), axis=1).max() for group in (first, second))
    assert np.linalg.norm(first.mean(axis=0) - second.mean(axis=0)) > within


def test_tsne_refuses_three_points(make: Any) -> None:
    with pytest.raises(Inconclusive, match="needs 4 points and there are 3") as caught:
        Neighbours().embed(make(3))
    assert "mds" in caught.value.hint


@pytest.mark.parametrize("embedder", [Neighbours(), ClassicalScaling()])
def test_models_that_are_all_one_function_lie_on_one_spot(make: Any, embedder: Any) -> None:
    pytest.importorskip("openTSNE")
    found = embedder.embed(make(12, apart=0.0))
    assert set(found.coordinates) == {(0.0, 0.0)}
    assert found.rank_correlation is None
