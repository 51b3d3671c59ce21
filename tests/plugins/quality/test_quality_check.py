from __future__ import annotations

import base64
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
    Column,
    Counts,
    Inconclusive,
    Measurement,
    Of,
    PairedCounts,
    PerImage,
    Predictions,
    PredictionTable,
    Quantiles,
    Question,
    Results,
    Slice,
    Table,
    TableContext,
    Unstated,
    of_label,
)
from vetgate.statistics import paired_bounds

BOUNDED = Question(metric="accuracy.ece", of=Of.DELTA, confidence=0.95)
ASK = Ask(questions=(Question(metric="accuracy.top1", of=Of.DELTA), BOUNDED))
QUICK = ASK.model_copy(update={"replicates": 200})
MACRO = ("precision_macro", "recall_macro", "f1_macro", "f1_weighted", "ece")


def predictions(rows: Any) -> Predictions:
    raw = np.asarray(rows, dtype=np.float32)
    probabilities = raw.astype(np.float64) / raw.astype(np.float64).sum(axis=1, keepdims=True)
    return Predictions(raw, probabilities, raw.argmax(axis=1).astype(np.int64))


def answering(answers: list[int], classes: int) -> Predictions:
    """Return a model that is sure of its answers."""
    return predictions(np.eye(classes)[answers] * 0.9 + 0.1 / classes)


def table_of(
    labels: list[int] | None,
    candidate: Predictions,
    reference: Predictions,
    classes: tuple[str, ...] | None = None,
    columns: dict[str, Column] | None = None,
) -> PredictionTable:
    names = classes or tuple(f"class {index}" for index in range(reference.raw.shape[1]))
    ids = [f"{index}.png" for index in range(len(reference.answers))]
    found = None if labels is None else np.asarray(labels)
    return PredictionTable(ids, found, names, candidate, reference, columns or {})


def asking(*wanted: tuple[str, str | None], confidence: float | None = 0.95, **rest: Any) -> Ask:
    """Return what rules on differences ask: metric and column."""
    questions = [
        Question(metric=f"accuracy.{name}", of=Of.DELTA, slice=Slice(by=by) if by else None, confidence=confidence)
        for name, by in wanted
    ]
    return Ask(questions=(*questions, BOUNDED), **rest)


def measure(table: PredictionTable, ask: Ask = ASK) -> Results:
    return QualityCheck().measure(TableContext(table), ask)


def figure(results: Results, metric: str, role: Of, part: str | Slice | None = None) -> Measurement:
    where = of_label(part) if isinstance(part, str) else part
    found = [
        entry
        for entry in results.measurements
        if entry.metric == f"accuracy.{metric}" and entry.role is role and entry.slice == where
    ]
    assert len(found) == 1
    return found[0]


def bounds(entry: Measurement, confidence: float = 0.95) -> tuple[float, float]:
    """Return the one-sided bounds of a resampled figure."""
    assert isinstance(entry.uncertainty, Quantiles)
    at = dict(zip(entry.uncertainty.levels, entry.uncertainty.values, strict=True))
    return at[round(1.0 - confidence, 12)], at[confidence]


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


def test_precision_rests_on_the_images_given_the_class_and_its_difference_is_resampled(animals: Results) -> None:
    candidate = figure(animals, "precision", Of.CANDIDATE, "cat")
    assert (candidate.uncertainty, candidate.n) == (Counts(k=2, n=3), 3)
    assert candidate.value == pytest.approx(2 / 3)
    reference = figure(animals, "precision", Of.REFERENCE, "cat")
    assert (reference.uncertainty, reference.value) == (Counts(k=2, n=2), 1.0)
    delta = figure(animals, "precision", Of.DELTA, "cat")
    assert delta.value == pytest.approx(-1 / 3)
    low, high = bounds(delta)
    assert -1 <= low < delta.value < high <= 1


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


def test_the_change_of_confusion_leads_with_the_greatest_and_leaves_right_answers_out(animals: Results) -> None:
    found = exhibit(animals, "Change of confusion, candidate minus reference")
    assert found.columns == ("label", "taken for", "candidate", "reference", "change")
    changes = [row[4] for row in found.rows if isinstance(row[4], int)]
    assert len(changes) == len(found.rows) > 0
    assert changes == sorted(changes, key=lambda change: -abs(change))
    assert all(row[0] != row[1] and row[4] for row in found.rows)
    assert sum(changes) == 1, "two lost, one won"
    assert found.chart is not None
    assert found.chart.only


def test_of_many_classes_the_change_of_confusion_has_twenty_labels_and_twenty_answers_at_most() -> None:
    labels = list(range(200))
    candidate = answering([(label + 1 + label % 7) % 200 for label in labels], 200)
    results = measure(table_of(labels, candidate, answering(labels, 200)))
    found = exhibit(results, "Change of confusion, candidate minus reference")
    assert 0 < len({row[0] for row in found.rows}) <= 20
    assert 0 < len({row[1] for row in found.rows}) <= 20
    assert f"{len(found.rows)} of 200 pairs of classes" in found.caption


def test_models_that_are_wrong_alike_leave_no_change_of_confusion_to_draw() -> None:
    answers = answering([1, 1, 0], 2)
    results = measure(table_of([0, 1, 0], answers, answers))
    assert not [each for each in results.exhibits if isinstance(each, Table) and "Change of" in each.title]


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
        ("accuracy.recall", of_label("class 0")),
        ("accuracy.recall", of_label("class 100")),
    }


def test_every_figure_is_declared_in_its_role_and_bounded_as_declared(animals: Results) -> None:
    specs = {spec.id: spec for spec in METRICS}
    for entry in animals.measurements:
        spec = specs[entry.metric]
        assert entry.role in spec.roles
        assert (entry.uncertainty != Unstated()) == (entry.role in spec.bounded)
        assert (entry.unit, entry.better) == (spec.unit, spec.better)
        assert spec.sliced or spec.over_slices or entry.slice is None


def test_the_declared_check_is_the_one_that_measures() -> None:
    (spec,) = vetgate_checks()
    assert isinstance(spec.factory(), QualityCheck)
    assert spec.metrics is METRICS


def noisy_pair(images: int, classes: int, seed: int = 0) -> tuple[list[int], list[int], list[int]]:
    """Return labels and both models' answers: the reference errs on a fifth, the candidate on a tenth more."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    reference = np.where(rng.random(images) < 0.2, rng.integers(0, classes, images), labels)
    candidate = np.where(rng.random(images) < 0.1, rng.integers(0, classes, images), reference)
    return labels.tolist(), candidate.tolist(), reference.tolist()


def test_means_and_calibration_come_with_bounds_at_the_levels_that_rules_ask() -> None:
    labels, candidate, reference = noisy_pair(500, 5)
    table = table_of(labels, answering(candidate, 5), answering(reference, 5))
    results = measure(table, asking(("f1_macro", None), confidence=0.97))
    for name in MACRO:
        for role in Of.CANDIDATE, Of.REFERENCE, Of.DELTA:
            entry = figure(results, name, role)
            low, high = bounds(entry, 0.97)
            inner, outer = bounds(entry, 0.9)
            assert low < inner < entry.value < outer < high


def test_recall_of_balanced_classes_is_bounded_as_accuracy_is() -> None:
    # With as many images of each class the mean recall is the accuracy, whose exact bounds are known.
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(4), 150)
    right = rng.random(600) < 0.8
    answers = np.where(right, labels, (labels + 1) % 4)
    lost = rng.random(600) < 0.08
    candidate = np.where(lost, (labels + 2) % 4, answers)
    results = measure(table_of(labels.tolist(), answering(candidate.tolist(), 4), answering(answers.tolist(), 4)))
    counts = figure(results, "top1", Of.DELTA).uncertainty
    assert isinstance(counts, PairedCounts)
    known = paired_bounds(counts.b, counts.c, counts.n, 0.95)
    width = known.upper - known.lower
    assert bounds(figure(results, "recall_macro", Of.DELTA)) == pytest.approx(
        (known.lower, known.upper), abs=0.1 * width
    )


def test_few_images_of_many_classes_do_not_raise_the_bound_of_their_precision() -> None:
    # Each class is given four of its five images and one of others: its precision is 0.8. BCa alone errs in a fifth.
    rng = np.random.default_rng(7)
    labels, over, samples = np.repeat(np.arange(100), 5), 0, 60
    for _ in range(samples):
        answers = np.where(rng.random(500) < 0.8, labels, (labels + rng.integers(1, 100, 500)) % 100).tolist()
        table = table_of(labels.tolist(), answering(answers, 100), answering(answers, 100))
        over += bounds(figure(measure(table, ASK), "precision_macro", Of.CANDIDATE))[0] > 0.8
    assert over <= 0.1 * samples


def test_a_reference_as_right_as_it_says_does_not_lower_the_bound_of_calibration() -> None:
    # The reference's error is 0 and the candidate's 0.05: chance raises the one more than the other.
    rng = np.random.default_rng(8)
    labels, under, samples = [0] * 500, 0, 60
    for _ in range(samples):
        sure, luck = rng.uniform(0.55, 1.0, 500), rng.random(500)
        models = []
        for accuracy in (sure - 0.05, sure):
            first = np.where(luck < accuracy, sure, 1.0 - sure)
            models.append(predictions(np.stack([first, 1.0 - first], axis=1)))
        results = measure(table_of(labels, models[0], models[1]), asking(("ece", None)))
        under += bounds(figure(results, "ece", Of.DELTA))[1] < 0.05
    assert under <= 0.12 * samples


def test_a_model_against_itself_is_bounded_by_what_was_not_seen() -> None:
    labels, _, reference = noisy_pair(300, 3)
    results = measure(table_of(labels, answering(reference, 3), answering(reference, 3)))
    for name in MACRO:
        entry = figure(results, name, Of.DELTA)
        low, high = bounds(entry)
        assert (entry.value, low) == (0.0, -high)
        # One figure that an image moves by 1 / N would have 1 - 0.05^(1/300), and some move twice as far.
        assert 0.9 * (1 - 0.05 ** (1 / 300)) < high < 0.05
        assert "no resample differs" in entry.note


def test_one_image_settles_nothing_and_breaks_nothing() -> None:
    for answer in 0, 1:
        results = measure(table_of([0], answering([answer], 2), answering([0], 2)))
        for name in MACRO:
            low, high = bounds(figure(results, name, Of.DELTA))
            assert high - low > 0.5


def test_too_few_replicates_state_no_bounds_and_say_so() -> None:
    results = measure(table_of([0, 1], answering([0, 1], 2), answering([1, 1], 2)), Ask(replicates=10))
    entry = figure(results, "f1_macro", Of.DELTA)
    assert (entry.uncertainty, entry.note) == (Unstated(), "")
    assert figure(results, "precision", Of.DELTA, "class 0").uncertainty == Unstated()


@pytest.mark.parametrize(
    ("candidate", "reference"),
    [([0] * 6, [1] * 6), ([0] * 6, [0] * 6), ([0, 1, 2] * 2, [1, 2, 0] * 2), ([3] * 6, [0, 1, 2] * 2)],
    ids=["all discordant", "constant", "always wrong", "a class that no image has"],
)
def test_odd_models_are_measured_without_a_gap(candidate: list[int], reference: list[int]) -> None:
    column = Column(("only",), np.zeros(6, dtype=np.int64))
    ask = asking(*((name, "light") for name in ("top1", "worst_slice", "slice_gap")), replicates=400)
    table = table_of([0, 1, 2] * 2, answering(candidate, 4), answering(reference, 4), columns={"light": column})
    with np.errstate(all="raise"):
        results = measure(table, ask)
    found = {entry.metric for entry in results.measurements}
    assert found >= {f"accuracy.{name}" for name in MACRO}


WEATHER = Column(("rain", "sun", "fog"), np.repeat([0, 1, 2, -1], [40, 30, 5, 25]), note="as told by the camera")


@pytest.fixture
def outdoors() -> PredictionTable:
    """Return rain 40, sun 30, fog 5, unknown 25: the candidate loses 10 in the rain and wins 2 in the sun."""
    reference = np.zeros(100, dtype=np.int64)
    reference[[45, 46, 47, 72]] = 1
    candidate = reference.copy()
    candidate[:10], candidate[45:47] = 1, 0
    sure = [answering(answers.tolist(), 2) for answers in (candidate, reference)]
    return table_of([0] * 100, sure[0], sure[1], ("cat", "dog"), {"weather": WEATHER})


def test_accuracy_of_any_column_is_counted_by_value(outdoors: PredictionTable) -> None:
    results = measure(outdoors, asking(("top1", "weather"), ("top1", "no such column")))
    rain, sun, fog = (Slice(by="weather", value=value) for value in WEATHER.values)
    assert figure(results, "top1", Of.DELTA, rain).uncertainty == PairedCounts(b=10, c=0, n=40)
    assert figure(results, "top1", Of.DELTA, sun).uncertainty == PairedCounts(b=0, c=2, n=30)
    assert figure(results, "top1", Of.CANDIDATE, rain).uncertainty == Counts(k=30, n=40)
    assert figure(results, "top1", Of.REFERENCE, fog).uncertainty == Counts(k=4, n=5)
    assert len([entry for entry in results.measurements if entry.slice and entry.slice.by != LABEL]) == 9


def test_accuracy_by_label_is_recall(outdoors: PredictionTable) -> None:
    results = measure(outdoors, asking(("top1", LABEL)))
    recall = figure(results, "recall", Of.DELTA, "cat")
    assert figure(results, "top1", Of.DELTA, "cat").uncertainty == recall.uncertainty


def test_the_slices_asked_for_are_a_table_with_the_greatest_loss_first(outdoors: PredictionTable) -> None:
    shown = exhibit(measure(outdoors, asking(("top1", "weather"))), "Accuracy by weather")
    assert shown.columns == ("weather", "images", "accuracy", "reference's accuracy", "difference")
    assert shown.rows[0] == ("rain", 40, 0.75, 1.0, -0.25)
    assert [row[0] for row in shown.rows] == ["rain", "fog", "sun"]
    assert shown.caption == "25 images have no weather. as told by the camera"


def test_the_worst_slice_and_the_gap_name_their_slices_and_those_left_out(outdoors: PredictionTable) -> None:
    results = measure(outdoors, asking(("worst_slice", "weather"), ("slice_gap", "weather")))
    where = Slice(by="weather")
    assert figure(results, "worst_slice", Of.CANDIDATE, where).value == 0.75
    assert figure(results, "worst_slice", Of.REFERENCE, where).value == 0.9
    worst = figure(results, "worst_slice", Of.DELTA, where)
    assert worst.value == pytest.approx(-0.15)
    assert worst.n == 70
    assert worst.note == (
        "the worst weather is rain for the candidate and sun for the reference; 1 left out with fewer than 10 images; "
        "25 images have no weather; as told by the camera"
    )
    gap = figure(results, "slice_gap", Of.DELTA, where)
    assert gap.value == pytest.approx((29 / 30 - 0.75) - 0.1)
    assert "rain to sun for the candidate and sun to rain for the reference" in gap.note


def test_figures_over_slices_need_a_slice_with_images_enough() -> None:
    column = Column(("a", "b"), np.array([0, 0, 1]))
    table = table_of([0, 0, 0], answering([0] * 3, 2), answering([0] * 3, 2), columns={"c": column})
    results = measure(table, asking(("worst_slice", "c"), ("slice_gap", "c")))
    assert not [
        entry for entry in results.measurements if entry.metric in ("accuracy.worst_slice", "accuracy.slice_gap")
    ]


def test_the_worst_of_equal_slices_is_bounded_around_the_truth() -> None:
    # 20 slices of 50 images, each model right on 80 % of every slice: the least of 20 is far below 80 %, and resampling
    # would put even its upper bound there.
    rng = np.random.default_rng(11)
    codes, wrong = np.repeat(np.arange(20), 50), dict.fromkeys(("candidate", "worst", "gap"), 0)
    ask = asking(("worst_slice", "c"), ("slice_gap", "c"), replicates=100)
    columns = {"c": Column(tuple(map(str, range(20))), codes)}
    for _ in range(60):
        reference = (rng.random(1000) < 0.2).astype(int)
        candidate = np.where(rng.random(1000) < 0.1, (rng.random(1000) < 0.2).astype(int), reference)
        table = table_of(
            [0] * 1000, answering(candidate.tolist(), 2), answering(reference.tolist(), 2), columns=columns
        )
        results = measure(table, ask)
        for name, metric, role, true in (
            ("candidate", "worst_slice", Of.CANDIDATE, 0.8),
            ("worst", "worst_slice", Of.DELTA, 0.0),
            ("gap", "slice_gap", Of.DELTA, 0.0),
        ):
            low, high = bounds(figure(results, metric, role, Slice(by="c")))
            wrong[name] += not low <= true <= high
    assert max(wrong.values()) <= 8  # each side errs at most 5 %: 6 of 60 expected at worst


def test_a_glance_takes_only_what_follows_from_counts(outdoors: PredictionTable) -> None:
    wanted = [("top1", None), ("top1", "weather"), ("recall", LABEL), ("f1_macro", None), ("worst_slice", "weather")]
    ask = asking(*wanted)
    full, glance = measure(outdoors, ask), measure(outdoors, ask.model_copy(update={"glance": True}))
    assert not glance.exhibits
    assert not glance.per_image
    assert {entry.metric for entry in glance.measurements} == {"accuracy.top1", "accuracy.recall"}
    assert set(map(str, glance.measurements)) <= set(map(str, full.measurements))


def test_right_and_wrong_are_kept_image_by_image(animals: Results) -> None:
    found = {(entry.metric, entry.role): entry for entry in animals.per_image}
    assert set(found) == {("accuracy.top1", Of.CANDIDATE), ("accuracy.top1", Of.REFERENCE)}
    assert unpacked(found["accuracy.top1", Of.CANDIDATE]) == [True, False, True, True, False, True]
    assert unpacked(found["accuracy.top1", Of.REFERENCE]) == [True, True, False, True, True, True]
    many = measure(table_of([0], answering([1], 6), answering([0], 6)))
    assert [entry.metric for entry in many.per_image].count("accuracy.top5") == 2


def unpacked(entry: PerImage) -> list[bool]:
    bits = np.frombuffer(base64.b64decode(entry.bits), dtype=np.uint8)
    return np.unpackbits(bits, count=entry.n).astype(bool).tolist()


CLASSES = 7
ROWS = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)),
    min_size=1,
    max_size=40,
)


@given(ROWS)
def test_swapping_the_models_swaps_lost_and_won(rows: list[tuple[int, int, int]]) -> None:
    labels, one, other = (list(column) for column in zip(*rows, strict=True))
    forth = measure(table_of(labels, answering(one, CLASSES), answering(other, CLASSES)), QUICK)
    back = measure(table_of(labels, answering(other, CLASSES), answering(one, CLASSES)), QUICK)
    mirrored = {(entry.metric, entry.role, entry.slice): entry for entry in back.measurements}
    assert len(forth.measurements) == len(back.measurements)
    for entry in forth.measurements:
        if entry.role is Of.DELTA:
            twin = mirrored[entry.metric, Of.DELTA, entry.slice]
            assert twin.value == pytest.approx(-entry.value, abs=1e-12)
            if isinstance(entry.uncertainty, PairedCounts):
                assert twin.uncertainty == PairedCounts(
                    b=entry.uncertainty.c, c=entry.uncertainty.b, n=entry.uncertainty.n
                )
        else:
            role = Of.REFERENCE if entry.role is Of.CANDIDATE else Of.CANDIDATE
            assert mirrored[entry.metric, role, entry.slice].value == pytest.approx(entry.value, abs=1e-12)


def test_swapping_the_models_mirrors_the_bounds_as_far_as_resampling_tells() -> None:
    labels, one, other = noisy_pair(400, 5)
    forth = measure(table_of(labels, answering(one, 5), answering(other, 5)))
    back = measure(table_of(labels, answering(other, 5), answering(one, 5)))
    for name in MACRO:
        low, high = bounds(figure(forth, name, Of.DELTA))
        assert bounds(figure(back, name, Of.DELTA)) == pytest.approx((-high, -low), abs=0.04 * (high - low))


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_images_changes_nothing(rows: list[tuple[int, int, int]], random: Random) -> None:
    def of(entries: list[tuple[int, int, int]]) -> Results:
        labels, one, other = (list(column) for column in zip(*entries, strict=True))
        return measure(table_of(labels, answering(one, CLASSES), answering(other, CLASSES)), QUICK)

    shuffled = random.sample(rows, len(rows))
    assert of(rows).measurements == of(shuffled).measurements


@given(ROWS)
def test_every_resampled_figure_lies_between_its_bounds_and_in_its_range(rows: list[tuple[int, int, int]]) -> None:
    labels, one, other = (list(column) for column in zip(*rows, strict=True))
    results = measure(table_of(labels, answering(one, CLASSES), answering(other, CLASSES)), QUICK)
    for entry in results.measurements:
        if isinstance(entry.uncertainty, Quantiles):
            values = entry.uncertainty.values
            low, high = bounds(entry)
            assert (-1 if entry.role is Of.DELTA else 0) <= low <= entry.value + 1e-12
            assert entry.value - 1e-12 <= high <= 1
            assert list(values) == sorted(values)


@given(ROWS)
def test_counts_classes_and_means_agree_with_each_other(rows: list[tuple[int, int, int]]) -> None:
    labels, one, other = (list(column) for column in zip(*rows, strict=True))
    results = measure(table_of(labels, answering(one, CLASSES), answering(other, CLASSES)), QUICK)
    for role in (Of.CANDIDATE, Of.REFERENCE):
        whole = figure(results, "top1", role).uncertainty
        recalls = [entry for entry in results.measurements if entry.metric == "accuracy.recall" and entry.role is role]
        parts = [entry.uncertainty for entry in recalls if isinstance(entry.uncertainty, Counts)]
        assert isinstance(whole, Counts)
        assert (sum(part.k for part in parts), sum(part.n for part in parts)) == (whole.k, whole.n)
        mean = math.fsum(entry.value for entry in recalls) / len(recalls)
        assert figure(results, "recall_macro", role).value == pytest.approx(mean)
        assert figure(results, "top5", role).value >= figure(results, "top1", role).value
