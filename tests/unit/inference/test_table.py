"""Raw outputs become one table, or a sentence that says why not."""

from __future__ import annotations

import numpy as np
import pytest

from vetgate.domain.card import Output
from vetgate.domain.errors import CardError, DataError, WorkerFailed
from vetgate.domain.samples import Samples
from vetgate.inference.table import class_order, make_predictions, match_labels

LOGITS = np.array([[2.0, 1.0, -3.0], [0.0, 700.0, 0.0]], dtype=np.float32)


def test_logits_become_probabilities_without_overflow() -> None:
    made = make_predictions(LOGITS, Output(kind="logits"), None, "m")
    np.testing.assert_allclose(made.probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(made.probabilities[0], np.exp(LOGITS[0]) / np.exp(LOGITS[0]).sum(), rtol=1e-6)
    assert made.answers.tolist() == [0, 1]


def test_leading_outputs_that_are_no_class_are_dropped() -> None:
    made = make_predictions(LOGITS, Output(kind="logits", offset=1), None, "m")
    np.testing.assert_array_equal(made.raw, LOGITS[:, 1:])


def test_probabilities_called_logits_are_refused() -> None:
    with pytest.raises(CardError, match="every answer is a probability vector"):
        make_predictions(np.array([[0.2, 0.8], [0.5, 0.5]], np.float32), Output(kind="logits"), None, "m")


def test_logits_called_probabilities_are_refused() -> None:
    with pytest.raises(CardError, match="range from -3 to 700"):
        make_predictions(LOGITS, Output(kind="probabilities"), None, "m")


def test_quantised_probabilities_that_miss_a_sum_of_one_are_normalised() -> None:
    made = make_predictions(np.array([[0.75, 0.125], [0.5, 0.5]], np.float32), Output(kind="probabilities"), None, "m")
    np.testing.assert_allclose(made.probabilities.sum(axis=1), 1)


def test_answers_without_any_information_are_named_and_not_scored() -> None:
    raw = np.array([[0, 0], [0.5, 0.5], [1, 0]], np.float32)
    with pytest.raises(WorkerFailed, match="1 answers are zero for every class"):
        make_predictions(raw, Output(kind="probabilities"), None, "m")


def test_classes_are_matched_by_name_when_both_cards_list_them() -> None:
    order = class_order(Output(kind="logits", classes=("b", "c", "a")), Output(kind="logits", classes=("a", "b", "c")))
    assert order is not None
    made = make_predictions(LOGITS, Output(kind="logits"), order, "m")
    np.testing.assert_array_equal(made.raw, LOGITS[:, [2, 0, 1]])


def test_other_names_are_never_matched_by_guess() -> None:
    with pytest.raises(CardError, match="lacks 'a'"):
        class_order(Output(kind="logits", classes=("b", "x")), Output(kind="logits", classes=("a", "b")))
    with pytest.raises(CardError, match="the reference's lacks 'c'"):
        class_order(Output(kind="logits", classes=("b", "c", "a")), Output(kind="logits", classes=("a", "b")))


def _samples(labels: list[int], classes: tuple[str, ...] | None = None) -> Samples:
    ids = [f"i{index}" for index in range(len(labels))]
    return Samples(ids, ids, np.asarray(labels, dtype=np.int64), classes)


def test_labels_follow_names_into_the_references_order() -> None:
    labels = match_labels(_samples([0, 1], ("cat", "dog")), Output(kind="logits", classes=("dog", "cow", "cat")), 3)
    assert labels is not None
    assert labels.tolist() == [2, 0]


def test_a_class_that_the_card_does_not_list_is_a_data_error() -> None:
    with pytest.raises(DataError, match="'emu'"):
        match_labels(_samples([0], ("emu",)), Output(kind="logits", classes=("dog", "cat")), 2)


def test_dropping_names_is_told_together_with_the_order_that_then_counts() -> None:
    with pytest.raises(
        DataError, match=r"names 1 class that the reference's card lacks, such as 'T-shirt-top'$"
    ) as caught:
        match_labels(_samples([0], ("T-shirt-top",)), Output(kind="logits", classes=("T-shirt/top", "Bag")), 2)
    assert "classes.txt says `INDEX<TAB>FOLDER` a line" in caught.value.hint
    with pytest.raises(DataError, match=r"2 classes that the reference's card lacks, such as 'emu'$"):
        match_labels(_samples([0], ("emu", "yak")), Output(kind="logits", classes=("dog", "cat")), 2)


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_that_no_output_stands_for_is_a_data_error(label: int) -> None:
    with pytest.raises(DataError, match=f"label {label} of image 'i1'"):
        match_labels(_samples([0, label]), Output(kind="logits"), 3)


def test_a_card_that_lists_more_or_fewer_classes_than_the_model_answers_is_refused() -> None:
    with pytest.raises(CardError, match="lists 2 classes, but the model answers 3"):
        make_predictions(LOGITS, Output(kind="logits", classes=("a", "b")), None, "m")


def test_an_offset_that_leaves_no_output_is_refused() -> None:
    with pytest.raises(CardError, match="skips 3 leading outputs"):
        make_predictions(LOGITS, Output(kind="logits", offset=3), None, "m")
