from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetgate_delta.splits import make_plan

from vetgate.api import CandidateSeen, DataError, ImageSet, Inconclusive


def _images(digests: list[str], name: str = "vetted") -> ImageSet:
    count = len(digests)
    given = CandidateSeen(np.full((count, 2), 0.5), None, None, None)
    pixels = np.zeros((count, 2, 2, 3), np.uint8)
    return ImageSet(name, tuple(f"{name}-{at}" for at in range(count)), tuple(digests), pixels, None, given)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=4, max_size=80), st.integers(1, 4), st.integers(0, 9))
def test_no_image_is_explained_by_what_was_trained_on_it(kinds: list[int], folds: int, seed: int) -> None:
    vetted = _images([str(kind) for kind in kinds])
    if len(set(kinds)) < 4:
        with pytest.raises(Inconclusive, match="too few"):
            make_plan(vetted, None, folds, seed)
        return
    plan = make_plan(vetted, None, folds, seed)
    digests = np.array(vetted.digests)
    for fold in plan.folds:
        assert len(fold.explain)
        assert len(fold.train)
        assert not set(digests[fold.train]) & set(digests[fold.explain])
    learned = set(digests[plan.subgraph])
    assert not learned & set(digests[plan.explained])
    assert sorted([*plan.subgraph, *plan.explained]) == list(range(len(vetted)))
    assert len(learned) == len(set(kinds)) // 2


def test_halves_and_folds_follow_from_the_seed() -> None:
    vetted = _images([str(at) for at in range(50)])
    first, again, other = (make_plan(vetted, None, 2, seed) for seed in (3, 3, 4))
    assert np.array_equal(first.explained, again.explained)
    assert not np.array_equal(first.explained, other.explained)


def test_one_fold_trains_on_the_one_half_alone() -> None:
    plan = make_plan(_images([str(at) for at in range(20)]), None, 1, 0)
    assert np.array_equal(plan.folds[0].train, plan.subgraph)


def test_with_training_images_every_vetted_one_is_explained() -> None:
    plan = make_plan(_images(["a", "b"]), _images(["c", "d", "e"], "train"), 2, 0)
    assert len(plan.folds) == 1
    assert plan.explained.tolist() == [0, 1]
    assert plan.folds[0].train.tolist() == [0, 1, 2]
    assert "none of them is explained" in plan.note


def test_training_images_among_the_explained_are_refused_with_their_number() -> None:
    with pytest.raises(DataError, match=r"2 of the 3 training images of train .* such as train-0"):
        make_plan(_images(["a", "b", "c"]), _images(["a", "x", "c"], "train"), 2, 0)
