"""A reference that cannot be a yardstick is told: labels in another order, or no better than chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetgate_quality.check import QualityCheck
from vetgate_quality.yardstick import doubts

from vetgate.api import Ask, Finding, Predictions, PredictionTable, Severity, TableContext


def _table(labels: Any, answers: Any, classes: int) -> PredictionTable:
    raw = np.eye(classes, dtype=np.float32)[answers]
    model = Predictions(raw, raw.astype(np.float64), np.asarray(answers, dtype=np.int64))
    names = tuple(f"class{index}" for index in range(classes))
    return PredictionTable([str(row) for row in range(len(labels))], np.asarray(labels), names, model, model, {})


def _doubts(labels: Any, answers: Any, classes: int) -> list[Finding]:
    return list(doubts(_table(labels, answers, classes), np.asarray(labels, dtype=np.int64)))


def _answers(labels: Any, accuracy: float, classes: int, seed: int = 0) -> Any:
    """Return answers that are right so often, and else any class."""
    random = np.random.default_rng(seed)
    return np.where(random.random(len(labels)) < accuracy, labels, random.integers(0, classes, len(labels)))


def test_labels_in_another_order_are_told_with_what_another_order_would_give() -> None:
    labels = np.arange(1000) % 10
    order = np.asarray([0, 2, 1, 4, 5, 3, 6, 7, 9, 8])
    (found,) = _doubts(labels, order[_answers(labels, 0.93, 10)], 10)
    assert (found.rule, found.severity) == ("quality.reference", Severity.LOW)
    assert "seem to be in different orders: the reference is right on 28." in found.message
    assert "would be on 93." in found.message
    assert "is called 'class" in found.message
    assert "classes.txt" in found.advice


@given(st.permutations(range(6)))
def test_any_other_order_of_a_good_models_classes_is_seen_and_its_own_is_not(order: list[int]) -> None:
    labels = np.arange(300) % 6
    found = _doubts(labels, np.asarray(order)[_answers(labels, 0.95, 6)], 6)
    assert bool(found) == (order != sorted(order))


def test_a_reference_that_guesses_is_told() -> None:
    labels = np.arange(1000) % 10
    (found,) = _doubts(labels, np.full(1000, 3), 10)
    assert found.message.startswith("the reference is right on 100 of 1,000 images, which is no better than chance")


@pytest.mark.parametrize("accuracy", [0.2, 0.4, 0.7, 1.0])
@pytest.mark.parametrize(("images", "classes"), [(1000, 10), (1000, 500), (60, 3)])
def test_a_weak_model_is_not_called_disordered(accuracy: float, images: int, classes: int) -> None:
    labels = np.arange(images) % classes
    for seed in range(20):
        found = _doubts(labels, _answers(labels, accuracy, classes, seed), classes)
        assert not any("orders" in each.message for each in found)
        assert not found or accuracy < 0.4


def test_classes_that_are_merely_confused_with_known_ones_are_not_renamed() -> None:
    labels = np.arange(1000) % 10
    answers = np.where(labels % 2 == 1, labels - 1, labels)  # every odd class is taken for the even one before it
    assert not _doubts(labels, answers, 10)


def test_images_of_one_class_tell_nothing() -> None:
    assert not _doubts([1] * 20, [1] * 19 + [0], 3)


def test_the_check_hands_the_doubt_on_and_a_glance_does_not() -> None:
    labels = np.arange(60) % 3
    table = _table(labels, (labels + 1) % 3, 3)
    found = QualityCheck().measure(TableContext(table), Ask(replicates=200)).findings
    assert [finding.rule for finding in found] == ["quality.reference"]
    assert not QualityCheck().measure(TableContext(table), Ask(glance=True)).findings
