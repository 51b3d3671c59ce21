from __future__ import annotations

import base64
import math
from functools import partial
from random import Random
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from vetgate_similarity.check import SimilarityCheck
from vetgate_similarity.metrics import METRICS
from vetgate_similarity.plugin import vetgate_checks

from vetgate.api import (
    LABEL,
    Ask,
    Column,
    Counts,
    Distance,
    Inconclusive,
    Measurement,
    Of,
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
from vetgate.statistics import row_distances
from vetgate.statistics.distance import ROWS_AT_ONCE

js_divergence = partial(row_distances, Distance.JS_DIVERGENCE)
BOUNDED = Question(metric="similarity.js_divergence", of=Of.PAIR, confidence=0.95)
ASK = Ask(questions=(Question(metric="similarity.agreement", of=Of.PAIR), BOUNDED), replicates=400)
NAMES = ("cat", "dog", "owl")


def predictions(rows: Any) -> Predictions:
    raw = np.asarray(rows, dtype=np.float32)
    probabilities = raw.astype(np.float64) / raw.astype(np.float64).sum(axis=1, keepdims=True)
    return Predictions(raw, probabilities, raw.argmax(axis=1).astype(np.int64))


def table_of(
    labels: list[int] | None, candidate: Any, reference: Any, columns: dict[str, Column] | None = None
) -> PredictionTable:
    size = np.shape(reference)[1]
    names = NAMES if size == len(NAMES) else tuple(f"class {index}" for index in range(size))
    ids = [f"{index:03}.png" for index in range(len(reference))]
    found = None if labels is None else np.asarray(labels)
    return PredictionTable(ids, found, names, predictions(candidate), predictions(reference), columns or {})


def measure(table: PredictionTable, ask: Ask = ASK) -> Results:
    return SimilarityCheck().measure(TableContext(table), ask)


def figures(results: Results) -> dict[tuple[str, Slice | None], Measurement]:
    assert all(entry.role is Of.PAIR for entry in results.measurements)
    return {(entry.metric.removeprefix("similarity."), entry.slice): entry for entry in results.measurements}


def exhibit(results: Results, title: str) -> Table | None:
    found = [entry for entry in results.exhibits if isinstance(entry, Table) and entry.title == title]
    return found[0] if found else None


CAT, DOG, OWL = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]
LABELS = [0, 0, 0, 1, 1]
REFERENCE = [CAT, CAT, DOG, DOG, OWL]
CANDIDATE = [CAT, DOG, CAT, OWL, CAT]


@pytest.fixture
def animals() -> Results:
    return measure(table_of(LABELS, CANDIDATE, REFERENCE))


def test_agreement_counts_equal_answers_right_or_wrong(animals: Results) -> None:
    found = figures(animals)
    assert found["agreement", None].uncertainty == Counts(k=1, n=5)
    assert found["agreement", None].value == 0.2
    assert found["agreement", of_label("cat")].uncertainty == Counts(k=1, n=3)
    assert found["agreement", of_label("dog")].uncertainty == Counts(k=0, n=2)
    assert ("agreement", of_label("owl")) not in found


def test_flips_are_shares_of_all_images(animals: Results) -> None:
    # Lost: the second cat and the first dog. Won: the third cat. The last is wrong in both.
    found = figures(animals)
    assert found["negative_flips", None].uncertainty == Counts(k=2, n=5)
    assert found["positive_flips", None].uncertainty == Counts(k=1, n=5)


def test_flips_are_listed_by_class_with_most_negative_ones_first() -> None:
    flips = exhibit(measure(table_of([0, 1, 1], [CAT, CAT, OWL], [DOG, DOG, DOG])), "Flips by class")
    assert flips is not None
    assert flips.rows == (("dog", 2, 2, 0), ("cat", 1, 0, 1))


def test_without_labels_flips_are_absent_and_the_rest_stands() -> None:
    found = figures(measure(table_of(None, CANDIDATE, REFERENCE)))
    free = ("agreement", "kappa", "js_divergence", "total_variation", "l2", "linf", "rank_correlation")
    assert set(found) == {(name, None) for name in free}


def test_a_table_without_images_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="no image"):
        measure(table_of(None, np.ones((0, 3)), np.ones((0, 3))))


def test_divergence_of_known_rows() -> None:
    # Entropies in bits: of (3/4, 1/4) 0.8113, of (1/2, 1/2) 1, of their mean (5/8, 3/8) 0.9544.
    rows = js_divergence(
        np.array([[0.75, 0.25], [1.0, 0.0], [1.0, 0.0]]), np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]])
    )
    assert rows == pytest.approx([0.954434 - (0.811278 + 1) / 2, 1.0, 0.0], abs=1e-6)


def bounds(entry: Measurement, confidence: float = 0.95) -> tuple[float, float]:
    assert isinstance(entry.uncertainty, Quantiles)
    at = dict(zip(entry.uncertainty.levels, entry.uncertainty.values, strict=True))
    return at[round(1.0 - confidence, 12)], at[confidence]


def test_the_mean_divergence_is_resampled_over_images() -> None:
    rng = np.random.default_rng(2)
    share = rng.beta(2, 2, 400)
    candidate = np.stack([share, 1 - share], axis=1)
    asked = ASK.model_copy(update={"replicates": 10_000})
    entry = figures(measure(table_of(None, candidate, np.full((400, 2), 0.5)), asked))["js_divergence", None]
    rows = js_divergence(*(predictions(part).probabilities for part in (candidate, np.full((400, 2), 0.5))))
    error = float(rows.std(ddof=1)) / math.sqrt(400)
    assert entry.value == pytest.approx(rows.mean())
    assert entry.n == 400
    low, high = bounds(entry)
    assert low == pytest.approx(rows.mean() - 1.645 * error, abs=0.2 * error)
    # No image shows a divergence near 1 bit; 1 - 0.05^(1/400) of all may yet have it, which is more than 1.645 errors.
    assert high == pytest.approx(rows.mean() + (1 - 0.05 ** (1 / 400)) * (1 - rows.mean()))


def test_equal_models_may_still_differ_on_images_that_were_not_seen() -> None:
    rows = [[0.5, 0.5]] * 300
    entry = figures(measure(table_of(None, rows, rows)))["js_divergence", None]
    assert bounds(entry) == pytest.approx((0.0, 1 - 0.05 ** (1 / 300)))
    assert "no resample differs" in entry.note


def test_one_image_settles_nothing_and_breaks_nothing() -> None:
    entry = figures(measure(table_of(None, [[1, 0]], [[1, 0]])))["js_divergence", None]
    assert bounds(entry) == pytest.approx((0.0, 0.95))


def test_too_few_replicates_state_no_bounds_and_say_so() -> None:
    entry = figures(measure(table_of(None, CANDIDATE, REFERENCE), Ask(replicates=10)))["js_divergence", None]
    assert (entry.uncertainty, entry.note) == (Unstated(), "")


WEATHER = Column(("rain", "sun", "fog"), np.array([0, 0, 1, 1, -1]), note="as told by the camera")


def asking(*metrics: str, glance: bool = False) -> Ask:
    questions = [
        Question(metric=f"similarity.{name}", of=Of.PAIR, slice=Slice(by=by), confidence=0.9)
        for name in metrics
        for by in ("weather", "no such column")
    ]
    return Ask(questions=(*questions, BOUNDED), replicates=400, glance=glance)


def test_agreement_and_flips_of_any_column_are_counted_by_value() -> None:
    ask = asking("agreement", "negative_flips", "positive_flips")
    found = figures(measure(table_of(LABELS, CANDIDATE, REFERENCE, {"weather": WEATHER}), ask))
    rain, sun, fog = (Slice(by="weather", value=value) for value in WEATHER.values)
    assert found["agreement", rain].uncertainty == Counts(k=1, n=2)
    assert found["negative_flips", rain].uncertainty == Counts(k=1, n=2)
    assert found["negative_flips", sun].uncertainty == Counts(k=1, n=2)
    assert found["positive_flips", sun].uncertainty == Counts(k=1, n=2)
    assert ("agreement", fog) not in found


def test_divergence_of_a_column_has_bounds_for_each_value() -> None:
    table = table_of(None, CANDIDATE, REFERENCE, {"weather": WEATHER})
    found = figures(measure(table, asking("js_divergence")))
    rows = js_divergence(table.candidate.probabilities, table.reference.probabilities)
    for value, images in (("rain", rows[:2]), ("sun", rows[2:4])):
        entry = found["js_divergence", Slice(by="weather", value=value)]
        low, high = bounds(entry, 0.9)
        assert entry.value == pytest.approx(images.mean())
        assert entry.n == 2
        assert 0 <= low < entry.value < high <= 1
    assert len([key for key in found if key[0] == "js_divergence"]) == 3


def test_a_column_without_any_value_gives_no_slices() -> None:
    nothing = Column(("rain",), np.full(5, -1))
    ask = asking("agreement", "negative_flips", "js_divergence")
    found = figures(measure(table_of(LABELS, CANDIDATE, REFERENCE, {"weather": nothing}), ask))
    assert not [where for _, where in found if where and where.by != LABEL]


def test_the_slices_asked_for_are_a_table_with_the_worst_first() -> None:
    table = table_of([0, 0, 1, 1, 1], CANDIDATE, REFERENCE, {"weather": WEATHER})
    shown = exhibit(measure(table, asking("agreement")), "Agreement by weather")
    assert shown is not None
    assert shown.columns == ("weather", "images", "agreement", "negative flips", "positive flips")
    assert shown.rows == (("sun", 2, 0.0, 1.0, 0.0), ("rain", 2, 0.5, 0.5, 0.0))
    assert shown.caption == "1 images have no weather. as told by the camera"
    blind = exhibit(
        measure(table_of(None, CANDIDATE, REFERENCE, {"weather": WEATHER}), asking("agreement")), shown.title
    )
    assert blind is not None
    assert [row[0] for row in blind.rows] == ["sun", "rain"]


def test_a_glance_takes_only_what_follows_from_counts() -> None:
    tied = [[0.45, 0.45, 0.1]] * 5
    table = table_of(LABELS, tied, REFERENCE, {"weather": WEATHER})
    metrics = ("agreement", "negative_flips", "js_divergence")
    full, glance = measure(table, asking(*metrics)), measure(table, asking(*metrics, glance=True))
    assert (glance.exhibits, glance.per_image) == ((), ())
    assert {name for name, _ in figures(glance)} == {"agreement", "negative_flips", "positive_flips"}
    assert all(entry.note == "" for entry in glance.measurements)
    for key, entry in figures(glance).items():
        assert entry.uncertainty == figures(full)[key].uncertainty


def test_agreement_and_negative_flips_are_kept_image_by_image(animals: Results) -> None:
    found = {entry.metric: entry for entry in animals.per_image}
    assert set(found) == {"similarity.agreement", "similarity.negative_flips"}
    bits = {
        name: np.unpackbits(np.frombuffer(base64.b64decode(entry.bits), dtype=np.uint8), count=entry.n).tolist()
        for name, entry in found.items()
    }
    assert bits["similarity.agreement"] == [1, 0, 0, 0, 0]
    assert bits["similarity.negative_flips"] == [0, 1, 0, 1, 0]


def test_rows_are_taken_in_parts_without_losing_any() -> None:
    count = ROWS_AT_ONCE + 3
    candidate, reference = np.tile([1.0, 0.0], (count, 1)), np.tile([1.0, 0.0], (count, 1))
    reference[-1] = [0.0, 1.0]
    rows = js_divergence(candidate, reference)
    assert len(rows) == count
    assert rows.sum() == rows[-1] == 1.0


def test_divergence_of_nearly_equal_rows_keeps_its_digits() -> None:
    # To second order JS = (p - q)^2 / (8 p ln 2), summed over the classes.
    step = 1e-6
    found = js_divergence(np.array([[0.5 + step, 0.5 - step]]), np.array([[0.5, 0.5]]))
    assert found[0] == pytest.approx(2 * step**2 / (8 * 0.5 * math.log(2)), rel=1e-4)


def test_the_images_that_differ_most_are_named_worst_first() -> None:
    labels = [0] * 25
    reference = [[0.9, 0.1]] * 25
    candidate = [[0.9 - 0.03 * index, 0.1 + 0.03 * index] for index in range(25)]
    worst = exhibit(measure(table_of(labels, candidate, reference)), "Images on which the models differ most")
    assert worst is not None
    assert [row[0] for row in worst.rows] == [f"{index:03}.png" for index in range(24, 4, -1)]
    assert worst.rows[0][1:4] == ("class 0", "class 1", "class 0")
    divergences = [row[4] for row in worst.rows if isinstance(row[4], float)]
    assert len(divergences) == 20
    assert divergences == sorted(divergences, reverse=True)


def test_models_that_never_differ_have_no_worst_images() -> None:
    same = measure(table_of(None, CANDIDATE, CANDIDATE))
    assert exhibit(same, "Images on which the models differ most") is None


def test_shared_first_places_are_said_with_what_they_could_change() -> None:
    # Image 0: the candidate ties cat and dog, the reference says cat: they agree, and might not.
    # Image 1: the candidate ties cat and dog, the reference says dog: they differ, and might not.
    # Image 2: the candidate ties cat and dog, the reference says owl: they differ whatever is chosen.
    tied = [0.45, 0.45, 0.1]
    note = figures(measure(table_of(None, [tied, tied, tied, CAT], [CAT, DOG, OWL, CAT])))["agreement", None].note
    assert "shared on 3 images by the candidate and on 0 by the reference" in note
    assert "on 2 images another choice could change agreement (25.00% to 75.00%)" in note


def test_without_shared_first_places_nothing_is_noted(animals: Results) -> None:
    assert figures(animals)["agreement", None].note == ""


def test_many_classes_come_one_by_one_only_where_a_rule_asks() -> None:
    rows = np.eye(101)
    table = table_of(list(range(101)), rows, rows)
    assert not [entry for entry in measure(table).measurements if entry.slice]
    asked = measure(table, Ask(questions=(Question(metric="similarity.agreement", of=Of.PAIR, slice=Slice(by=LABEL)),)))
    assert len([entry for entry in asked.measurements if entry.slice]) == 101


def test_every_figure_is_declared_in_its_role_and_bounded_as_declared(animals: Results) -> None:
    specs = {spec.id: spec for spec in METRICS}
    for entry in animals.measurements:
        spec = specs[entry.metric]
        assert entry.role in spec.roles
        assert (entry.uncertainty != Unstated()) == (entry.role in spec.bounded)
        assert (entry.unit, entry.better) == (spec.unit, spec.better)
        assert spec.sliced or entry.slice is None
        assert spec.low is not None
        assert spec.high is not None
        assert spec.low <= entry.value <= spec.high


def test_the_declared_check_is_the_one_that_measures() -> None:
    (spec,) = vetgate_checks()
    assert isinstance(spec.factory(), SimilarityCheck)
    assert spec.metrics is METRICS


Drawn: TypeAlias = tuple[list[int], Any, Any]
STEPS = st.integers(0, 8).map(float)


@st.composite
def tables(draw: st.DrawFn) -> Drawn:
    """Draw labels and both models' outputs in few steps, so that ties and zeros are common."""
    n, size = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    labels = draw(st.lists(st.integers(0, size - 1), min_size=n, max_size=n))
    one, other = (draw(arrays(np.float64, (n, size), elements=STEPS)) for _ in range(2))
    for rows in (one, other):
        rows[rows.sum(axis=1) == 0] = 1.0
    return labels, one, other


@settings(deadline=None)
@given(tables())
def test_swapping_the_models_keeps_agreement_and_divergence_and_swaps_the_flips(drawn: Drawn) -> None:
    labels, one, other = drawn
    forth, back = figures(measure(table_of(labels, one, other))), figures(measure(table_of(labels, other, one)))
    assert forth.keys() == back.keys()
    for key, entry in forth.items():
        if key[0] in ("agreement", "js_divergence"):
            assert (entry.value, entry.uncertainty) == (back[key].value, back[key].uncertainty)
    assert forth["negative_flips", None].uncertainty == back["positive_flips", None].uncertainty
    assert forth["positive_flips", None].uncertainty == back["negative_flips", None].uncertainty


@settings(deadline=None)
@given(tables())
def test_a_model_agrees_with_itself(drawn: Drawn) -> None:
    labels, rows, _ = drawn
    found = figures(measure(table_of(labels, rows, rows)))
    assert found["js_divergence", None].value == 0.0
    assert found["agreement", None].value == 1.0
    assert found["negative_flips", None].value == found["positive_flips", None].value == 0.0


@settings(deadline=None)
@given(tables())
def test_divergence_is_between_zero_and_one_bit_and_matches_its_entropies(drawn: Drawn) -> None:
    _, one, other = drawn
    p, q = (rows / rows.sum(axis=1, keepdims=True) for rows in (one, other))
    rows = js_divergence(p, q)

    def entropy(values: Any) -> Any:
        return -np.sum(np.where(values > 0, values * np.log2(np.where(values > 0, values, 1)), 0), axis=1)

    assert ((rows >= 0) & (rows <= 1)).all()
    assert rows == pytest.approx(entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2, abs=1e-12)


@settings(deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_the_images_changes_nothing(drawn: Drawn, random: Random) -> None:
    labels, one, other = drawn
    table = table_of(labels, one, other)
    order = random.sample(range(len(labels)), len(labels))
    moved = PredictionTable(
        [table.ids[row] for row in order],
        np.asarray(labels)[order],
        table.classes,
        predictions(one[order]),
        predictions(other[order]),
    )
    assert measure(moved).model_copy(update={"per_image": ()}) == measure(table).model_copy(update={"per_image": ()})


@settings(deadline=None)
@given(tables())
def test_agreement_and_flips_bound_each_other(drawn: Drawn) -> None:
    labels, one, other = drawn
    found = figures(measure(table_of(labels, one, other)))
    flips = found["negative_flips", None].value + found["positive_flips", None].value
    assert flips <= 1 - found["agreement", None].value + 1e-12
