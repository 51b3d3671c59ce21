from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetgate_quality.calibration import expected_calibration_error
from vetgate_quality.check import QualityCheck
from vetgate_quality.metrics import METRICS
from vetgate_quality.plugin import vetgate_checks

from vetgate.api import (
    LABEL,
    Ask,
    Better,
    Counts,
    Inconclusive,
    Measurement,
    Of,
    PairedCounts,
    Predictions,
    PredictionTable,
    Question,
    Results,
    Slice,
    Table,
    TableContext,
    Unstated,
    of_label,
)

ASK = Ask(questions=(Question(metric="accuracy.top1", of=Of.DELTA),))


def predictions(rows: Any) -> Predictions:
    raw = np.asarray(rows, dtype=np.float32)
    probabilities = raw.astype(np.float64) / raw.astype(np.float64).sum(axis=1, keepdims=True)
    return Predictions(raw, probabilities, raw.argmax(axis=1).astype(np.int64))


def answering(answers: list[int], classes: int) -> Predictions:
    """Return a model that is sure of its answers."""
    return predictions(np.eye(classes)[answers] * 0.9 + 0.1 / classes)


def table_of(
    labels: list[int] | None, candidate: Predictions, reference: Predictions, classes: tuple[str, ...] | None = None
) -> PredictionTable:
    names = classes or tuple(f"class {index}" for index in range(reference.raw.shape[1]))
    ids = [f"{index}.png" for index in range(len(reference.answers))]
    return PredictionTable(ids, None if labels is None else np.asarray(labels), names, candidate, reference)


def measure(table: PredictionTable, ask: Ask = ASK) -> Results:
    return QualityCheck().measure(TableContext(table), ask)


def figure(results: Results, metric: str, role: Of, label: str | None = None) -> Measurement:
    found = [
        entry
        for entry in results.measurements
        if entry.metric == f"accuracy.{metric}"
        and entry.role is role
        and entry.slice == (of_label(label) if label else None)
    ]
    assert len(found) == 1
    return found[0]


def exhibit(results: Results, title: str) -> Table:
    found = [entry for entry in results.exhibits if isinstance(entry, Table) and entry.title == title]
    assert len(found) == 1
    return found[0]


# Labels cat cat cat dog dog owl; the reference has 5 of 6 right, the candidate loses two and wins one.
LABELS = [0, 0, 0, 1, 1, 2]
REFERENCE = [0, 0, 1, 1, 1, 2]
CANDIDATE = [0, 1, 0, 1, 0, 2]
NAMES = ("cat", "dog", "owl", "yak")


@pytest.fixture
def animals() -> Results:
    return measure(table_of(LABELS, answering(CANDIDATE, 4), answering(REFERENCE, 4), NAMES))


def test_accuracy_comes_with_the_counts_that_bound_it(animals: Results) -> None:
    assert figure(animals, "top1", Of.CANDIDATE).uncertainty == Counts(k=4, n=6)
    assert figure(animals, "top1", Of.REFERENCE).uncertainty == Counts(k=5, n=6)
    delta = figure(animals, "top1", Of.DELTA)
    assert delta.uncertainty == PairedCounts(b=2, c=1, n=6)
    assert delta.value == pytest.approx(-1 / 6)
    assert figure(animals, "top1", Of.CANDIDATE).value == pytest.approx(4 / 6)


def test_recall_rests_on_the_images_of_the_class(animals: Results) -> None:
    assert figure(animals, "recall", Of.CANDIDATE, "cat").uncertainty == Counts(k=2, n=3)
    assert figure(animals, "recall", Of.REFERENCE, "cat").uncertainty == Counts(k=2, n=3)
    assert figure(animals, "recall", Of.DELTA, "cat").uncertainty == PairedCounts(b=1, c=1, n=3)
    assert figure(animals, "recall", Of.DELTA, "dog").uncertainty == PairedCounts(b=1, c=0, n=2)
    assert figure(animals, "recall", Of.DELTA, "dog").value == -0.5


def test_precision_rests_on_the_images_given_the_class_and_states_no_paired_difference(animals: Results) -> None:
    candidate = figure(animals, "precision", Of.CANDIDATE, "cat")
    assert (candidate.uncertainty, candidate.n) == (Counts(k=2, n=3), 3)
    assert candidate.value == pytest.approx(2 / 3)
    reference = figure(animals, "precision", Of.REFERENCE, "cat")
    assert (reference.uncertainty, reference.value) == (Counts(k=2, n=2), 1.0)
    delta = figure(animals, "precision", Of.DELTA, "cat")
    assert delta.uncertainty == Unstated()
    assert delta.value == pytest.approx(-1 / 3)


def test_macro_figures_are_means_over_the_classes_that_have_images(animals: Results) -> None:
    # Candidate: recall 2/3, 1/2, 1; precision 2/3, 1/2, 1; so F1 is the same. Reference: recall 2/3, 1, 1;
    # precision 1, 2/3, 1; F1 4/5, 4/5, 1.
    assert figure(animals, "recall_macro", Of.CANDIDATE).value == pytest.approx(13 / 18)
    assert figure(animals, "precision_macro", Of.CANDIDATE).value == pytest.approx(13 / 18)
    assert figure(animals, "recall_macro", Of.REFERENCE).value == pytest.approx(8 / 9)
    assert figure(animals, "precision_macro", Of.REFERENCE).value == pytest.approx(8 / 9)
    assert figure(animals, "f1_macro", Of.REFERENCE).value == pytest.approx((0.8 + 0.8 + 1) / 3)
    assert figure(animals, "f1_weighted", Of.REFERENCE).value == pytest.approx((3 * 0.8 + 2 * 0.8 + 1) / 6)
    assert figure(animals, "f1_macro", Of.DELTA).value == pytest.approx(13 / 18 - 2.6 / 3)
    assert figure(animals, "f1_macro", Of.DELTA).note == "over the 3 of 4 classes that have images"


def test_a_class_without_images_is_left_out_and_said(animals: Results) -> None:
    assert not [entry for entry in animals.measurements if entry.slice == of_label("yak")]
    per_class = exhibit(animals, "Each class")
    assert per_class.rows[-1] == ("yak", 0, None, None, None, None, None)
    assert "1 of 4 classes have no images" in per_class.caption


def test_the_class_table_starts_with_the_greatest_loss(animals: Results) -> None:
    name, images, recall, before, difference, *_ = exhibit(animals, "Each class").rows[0]
    assert (name, images, recall, before, difference) == ("dog", 2, 0.5, 1.0, -0.5)


def test_a_class_that_a_model_never_gives_has_precision_zero_and_no_bound() -> None:
    results = measure(table_of([0, 1], answering([0, 0], 2), answering([0, 1], 2), ("cat", "dog")))
    candidate = figure(results, "precision", Of.CANDIDATE, "dog")
    assert (candidate.value, candidate.uncertainty) == (0.0, Unstated())
    assert candidate.note == "the candidate never gave this class, which counts as 0"
    assert figure(results, "precision", Of.REFERENCE, "dog").uncertainty == Counts(k=1, n=1)
    assert figure(results, "precision_macro", Of.CANDIDATE).value == pytest.approx(0.25)


def test_the_confusion_matrix_has_labels_in_rows_and_answers_in_columns(animals: Results) -> None:
    matrix = exhibit(animals, "Confusion of the candidate")
    assert matrix.columns == ("label", *NAMES)
    candidate = (("cat", 2, 1, 0, 0), ("dog", 1, 1, 0, 0), ("owl", 0, 0, 1, 0), ("yak", 0, 0, 0, 0))
    assert matrix.rows == candidate
    reference = (("cat", 2, 1, 0, 0), ("dog", 0, 2, 0, 0), ("owl", 0, 0, 1, 0), ("yak", 0, 0, 0, 0))
    assert exhibit(animals, "Confusion of the reference").rows == reference


def test_of_many_classes_the_pairs_most_confused_are_shown() -> None:
    labels = [3, 3, 3, 7, 7, 20]
    candidate, reference = answering([4, 4, 3, 8, 7, 20], 21), answering([4, 3, 3, 7, 7, 0], 21)
    results = measure(table_of(labels, candidate, reference))
    assert exhibit(results, "Classes most confused").rows == (
        ("class 3", "class 4", 2, 1),
        ("class 7", "class 8", 1, 0),
        ("class 20", "class 0", 0, 1),
    )


def test_top5_needs_more_than_five_classes() -> None:
    few = measure(table_of([0], answering([0], 5), answering([0], 5)))
    assert not [entry for entry in few.measurements if entry.metric == "accuracy.top5"]
    many = measure(table_of([0], answering([0], 6), answering([0], 6)))
    assert figure(many, "top5", Of.CANDIDATE).uncertainty == Counts(k=1, n=1)


def test_top5_gives_ties_to_the_lowest_index() -> None:
    tied = predictions([[1.0] * 8] * 2)
    reference = predictions([[1, 1, 1, 1, 1, 1, 1, 2]] * 2)
    results = measure(table_of([4, 5], tied, reference))
    assert figure(results, "top5", Of.CANDIDATE).uncertainty == Counts(k=1, n=2)
    # The reference's first is class 7, so of the tied ones only classes 0 to 3 are among the five.
    assert figure(results, "top5", Of.REFERENCE).uncertainty == Counts(k=0, n=2)
    assert figure(results, "top5", Of.DELTA).uncertainty == PairedCounts(b=0, c=1, n=2)


def test_calibration_error_is_the_mean_gap_of_its_bins() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False, True, False])
    assert expected_calibration_error(confidence, right) == pytest.approx((4 * 0.2 + 2 * 0.05) / 6)


def test_a_confidence_on_the_edge_of_two_bins_counts_in_the_lower_one() -> None:
    edge, below, above = 3 / 15, 2.5 / 15, 3.5 / 15
    right = np.array([True, False])
    # One bin: the gaps of a right and a wrong image cancel; two bins: they add.
    joined = expected_calibration_error(np.array([edge, below]), right)
    apart = expected_calibration_error(np.array([edge, above]), right)
    assert joined == pytest.approx(abs(1 - edge - below) / 2)
    assert apart == pytest.approx((1 - edge + above) / 2)


def test_a_model_as_right_as_it_says_has_no_calibration_error() -> None:
    rows = [[0.75, 0.25]] * 4
    results = measure(table_of([0, 0, 0, 1], predictions(rows), predictions([[1.0, 0.0]] * 4)))
    assert figure(results, "ece", Of.CANDIDATE).value == pytest.approx(0.0)
    assert figure(results, "ece", Of.REFERENCE).value == pytest.approx(0.25)
    assert figure(results, "ece", Of.CANDIDATE).better is Better.LOWER


def test_data_without_labels_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="no labels"):
        measure(table_of(None, answering([0], 2), answering([0], 2)))


def test_a_table_without_images_is_inconclusive() -> None:
    nothing = predictions(np.ones((0, 3)))
    with pytest.raises(Inconclusive, match="no image"):
        measure(table_of([], nothing, nothing))


def test_many_classes_come_one_by_one_only_where_a_rule_asks() -> None:
    table = table_of([0, 100], answering([0, 100], 101), answering([0, 100], 101))
    assert not [entry for entry in measure(table).measurements if entry.slice]
    asked = measure(table, Ask(questions=(Question(metric="accuracy.recall", of=Of.DELTA, slice=Slice(by=LABEL)),)))
    assert {(entry.metric, entry.slice) for entry in asked.measurements if entry.slice} == {
        ("accuracy.recall", "class 0"),
        ("accuracy.recall", "class 100"),
    }


def test_every_figure_is_declared_in_its_role_and_bounded_as_declared(animals: Results) -> None:
    specs = {spec.id: spec for spec in METRICS}
    for entry in animals.measurements:
        spec = specs[entry.metric]
        assert entry.role in spec.roles
        assert (entry.uncertainty != Unstated()) == (entry.role in spec.bounded)
        assert (entry.unit, entry.better) == (spec.unit, spec.better)
        assert spec.sliced or entry.slice is None


def test_the_declared_check_is_the_one_that_measures() -> None:
    (spec,) = vetgate_checks()
    assert isinstance(spec.factory(), QualityCheck)
    assert spec.metrics is METRICS


CLASSES = 7
ROWS = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)),
    min_size=1,
    max_size=40,
)


@given(ROWS)
def test_swapping_the_models_swaps_lost_and_won(rows: list[tuple[int, int, int]]) -> None:
    labels, one, other = (list(column) for column in zip(*rows, strict=True))
    forth = measure(table_of(labels, answering(one, CLASSES), answering(other, CLASSES)))
    back = measure(table_of(labels, answering(other, CLASSES), answering(one, CLASSES)))
    mirrored = {(entry.metric, entry.role, entry.slice): entry for entry in back.measurements}
    assert len(forth.measurements) == len(back.measurements)
    for entry in forth.measurements:
        if entry.role is Of.DELTA:
            twin = mirrored[entry.metric, Of.DELTA, entry.slice]
            assert twin.value == -entry.value
            if isinstance(entry.uncertainty, PairedCounts):
                assert twin.uncertainty == PairedCounts(
                    b=entry.uncertainty.c, c=entry.uncertainty.b, n=entry.uncertainty.n
                )
        else:
            role = Of.REFERENCE if entry.role is Of.CANDIDATE else Of.CANDIDATE
            assert mirrored[entry.metric, role, entry.slice].value == entry.value


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_images_changes_nothing(rows: list[tuple[int, int, int]], random: Random) -> None:
    def of(entries: list[tuple[int, int, int]]) -> Results:
        labels, one, other = (list(column) for column in zip(*entries, strict=True))
        return measure(table_of(labels, answering(one, CLASSES), answering(other, CLASSES)))

    shuffled = random.sample(rows, len(rows))
    for before, after in zip(of(rows).measurements, of(shuffled).measurements, strict=True):
        assert (before.metric, before.role, before.slice) == (after.metric, after.role, after.slice)
        assert before.uncertainty == after.uncertainty
        assert after.value == pytest.approx(before.value, abs=1e-12)


@given(ROWS)
def test_counts_classes_and_means_agree_with_each_other(rows: list[tuple[int, int, int]]) -> None:
    labels, one, other = (list(column) for column in zip(*rows, strict=True))
    results = measure(table_of(labels, answering(one, CLASSES), answering(other, CLASSES)))
    for role in (Of.CANDIDATE, Of.REFERENCE):
        whole = figure(results, "top1", role).uncertainty
        recalls = [entry for entry in results.measurements if entry.metric == "accuracy.recall" and entry.role is role]
        parts = [entry.uncertainty for entry in recalls if isinstance(entry.uncertainty, Counts)]
        assert isinstance(whole, Counts)
        assert (sum(part.k for part in parts), sum(part.n for part in parts)) == (whole.k, whole.n)
        mean = math.fsum(entry.value for entry in recalls) / len(recalls)
        assert figure(results, "recall_macro", role).value == pytest.approx(mean)
        assert figure(results, "top5", role).value >= figure(results, "top1", role).value
