"""Orders of classes: found where they fit much better, and not where models are merely weak."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vetgate.statistics import find_order

NUMBERS = [str(number) for number in range(30)]


def _truth(images: int = 300, classes: int = 30) -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, classes, images)


def _answers(truth: NDArray[np.int64], accuracy: float, classes: int = 30) -> NDArray[np.int64]:
    draw = np.random.default_rng(2)
    return np.where(draw.random(len(truth)) < accuracy, truth, draw.integers(0, classes, len(truth)))


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize("classes", [30, 1000])
def test_a_shift_by_one_is_found_with_few_images_a_class(by: int, classes: int) -> None:
    truth = _truth(classes=classes)
    names = [str(number) for number in range(classes)]
    found = find_order(np.clip(_answers(truth, 0.7, classes) + by, 0, classes - 1), truth, names)
    assert found is not None
    assert (found.kind, found.by) == ("shift", by)
    assert found.after > 0.6 * len(truth) > found.before


def test_classes_sorted_as_text_are_found_whichever_side_was_sorted() -> None:
    order = np.asarray(sorted(range(30), key=str))
    for side in (order, np.argsort(order)):
        found = find_order(side[_answers(_truth(), 0.8)], _truth(), NUMBERS)
        assert found is not None
        assert (found.kind, found.by) == ("text", 0)


def test_classes_sorted_by_name_are_found() -> None:
    names = ["plane", "car", "bird", "cat", "deer", "dog", "frog"]
    order = np.asarray(sorted(range(7), key=names.__getitem__))
    truth = _truth(classes=7)
    found = find_order(np.argsort(order)[_answers(truth, 0.9, 7)], truth, names)
    assert found is not None
    assert found.kind == "names"


@pytest.mark.parametrize("accuracy", [0.0, 0.05, 0.3, 1.0])
def test_a_weak_model_is_not_said_to_be_shifted(accuracy: float) -> None:
    assert find_order(_answers(_truth(), accuracy), _truth(), NUMBERS) is None


def test_two_classes_that_are_confused_and_a_dead_model_are_no_order() -> None:
    truth = np.arange(200) % 2
    assert find_order(1 - truth, truth, ["a", "b"]) is None
    assert find_order(np.full(300, 4), _truth(), NUMBERS) is None
