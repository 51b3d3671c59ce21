"""What every similarity figure must hold: extremes, invariances, symmetry, ranges, known answers, and bad input."""

from __future__ import annotations

import math
import warnings
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import cohen_kappa_score
from vetgate_similarity.check import SimilarityCheck
from vetgate_similarity.cka import LEAST
from vetgate_similarity.metrics import METRICS
from vetgate_similarity.plugin import vetgate_checks

from vetgate.api import (
    LABEL,
    Ask,
    CheckSpec,
    Counts,
    Distance,
    Inconclusive,
    Measurement,
    Of,
    Peer,
    Predictions,
    PredictionTable,
    Quantiles,
    Question,
    Results,
    Slice,
    Table,
    TableContext,
    Unstated,
    Yardstick,
    YardstickSummary,
    of_label,
)
from vetgate.testing import CheckContract

Floats: TypeAlias = NDArray[np.float64]
Key: TypeAlias = tuple[str, Slice | None]
SPECS = {spec.id.removeprefix("similarity."): spec for spec in METRICS}
ASK = Ask(replicates=300)
HIGHEST = ("agreement", "kappa", "error_consistency", "rank_correlation", "cka")
SYMMETRIC = (*HIGHEST, "js_divergence", "total_variation", "l2", "linf")
ROUNDING = 1e-9


def predictions(scores: Any) -> Predictions:
    raw = np.asarray(scores, dtype=np.float32)
    grown = np.exp(raw.astype(np.float64) - raw.max(axis=1, keepdims=True))
    return Predictions(raw, grown / grown.sum(axis=1, keepdims=True), raw.argmax(axis=1).astype(np.int64))


def table_of(candidate: Any, reference: Any, labels: Any = None) -> PredictionTable:
    names = tuple(f"class {index}" for index in range(np.shape(reference)[1]))
    ids = [f"{index:05}.png" for index in range(len(reference))]
    found = None if labels is None else np.asarray(labels, dtype=np.int64)
    return PredictionTable(ids, found, names, predictions(candidate), predictions(reference))


def pair_of(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    return rng.normal(size=shape), rng.normal(size=shape)


def yardstick_of(*independents: Any, distance: Distance = Distance.JS_DIVERGENCE) -> Yardstick:
    digest = "0" * 64
    peers = tuple(
        Peer(name=f"u{index}.pt", sha256=digest, card_sha256=digest, run=f"u{index}", step=1, final=True)
        for index in range(len(independents))
    )
    images = max(len(independents[0]), 1)
    summary = YardstickSummary(name="some.yardstick", sha256=digest, distance=distance, peers=peers, images=images)
    return Yardstick(summary, peers, tuple(predictions(scores).probabilities for scores in independents))


def results_of(table: PredictionTable, yardstick: Yardstick | None = None, ask: Ask = ASK) -> Results:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return SimilarityCheck().measure(TableContext(table, yardstick), ask)


def measured(table: PredictionTable, yardstick: Yardstick | None = None, ask: Ask = ASK) -> dict[Key, Measurement]:
    found = results_of(table, yardstick, ask).measurements
    return {(entry.metric.removeprefix("similarity."), entry.slice): entry for entry in found}


def told(results: Results) -> str:
    return " | ".join(f"{finding.rule}: {finding.message}" for finding in results.findings)


def bounds(entry: Measurement, confidence: float = 0.95) -> tuple[float, float]:
    assert isinstance(entry.uncertainty, Quantiles)
    at = dict(zip(entry.uncertainty.levels, entry.uncertainty.values, strict=True))
    return at[round(1.0 - confidence, 12)], at[confidence]


Drawn: TypeAlias = tuple[Floats, Floats, Floats, Floats, NDArray[np.int64]]


@st.composite
def models(draw: st.DrawFn, fewest: int = 1) -> Drawn:
    """Draw scores of a candidate, a reference and two independents, without ties, and labels."""
    n, size = draw(st.integers(fewest, 30)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    noise = draw(st.sampled_from([0.01, 0.5, 3.0]))
    labels = rng.integers(0, size, n)
    reference = 2.0 * rng.normal(size=(n, size))
    reference[np.arange(n), labels] += 2.0
    others = [reference + scale * rng.normal(size=(n, size)) for scale in (noise, 1.0, 1.5)]
    return others[0], reference, others[1], others[2], labels


@given(models())
@settings(deadline=None, max_examples=50)
def test_a_model_beside_itself_has_the_extreme_of_every_figure(drawn: Drawn) -> None:
    _, reference, *independents, labels = drawn
    found = measured(table_of(reference, reference, labels), yardstick_of(*independents))
    for (name, _), entry in found.items():
        assert entry.value == (pytest.approx(1.0, abs=1e-12) if name in HIGHEST else 0.0), name
    assert found["independence", None].value == 0.0


@given(models(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_the_order_of_the_images_changes_no_figure_and_no_bound(drawn: Drawn, random: Any) -> None:
    candidate, reference, *independents, labels = drawn
    order = random.sample(range(len(labels)), len(labels))
    still = measured(table_of(candidate, reference, labels), yardstick_of(*independents))
    moved = measured(
        table_of(candidate[order], reference[order], labels[order]), yardstick_of(*(u[order] for u in independents))
    )
    assert still == moved


@given(models(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_the_order_of_the_classes_changes_no_figure_and_no_bound_but_that_of_kappa(drawn: Drawn, random: Any) -> None:
    """Bounds of kappa come from resamples of images in the order of their classes, so they differ by chance."""
    candidate, reference, *independents, labels = drawn
    size = reference.shape[1]
    order = random.sample(range(size), size)
    place = np.argsort(order)
    still = measured(table_of(candidate, reference, labels), yardstick_of(*independents))
    table = table_of(candidate[:, order], reference[:, order], place[labels])
    moved = measured(table, yardstick_of(*(rows[:, order] for rows in independents)))
    renamed = {f"class {index}": f"class {where}" for index, where in enumerate(place.tolist())}
    for (name, where), entry in still.items():
        other = moved[name, of_label(renamed[where.value]) if where and where.value else None]
        assert other.value == pytest.approx(entry.value, rel=ROUNDING, abs=1e-12)
        assert other.n == entry.n
        if isinstance(entry.uncertainty, Quantiles) and name != "kappa":
            assert bounds(other) == pytest.approx(bounds(entry), rel=1e-4, abs=1e-6), name
    assert len(still) == len(moved)


@given(models())
@settings(deadline=None, max_examples=50)
def test_swapping_the_models_changes_what_should_and_nothing_else(drawn: Drawn) -> None:
    candidate, reference, _, _, labels = drawn
    forth, back = (measured(table_of(*pair, labels)) for pair in ((candidate, reference), (reference, candidate)))
    swapped = {"negative_flips": "positive_flips", "positive_flips": "negative_flips"}
    for (name, where), entry in forth.items():
        other = back[swapped.get(name, name), where]
        assert name in (*SYMMETRIC, *swapped)
        assert other.value == pytest.approx(entry.value, rel=ROUNDING, abs=1e-12)


@given(models())
@settings(deadline=None, max_examples=50)
def test_every_figure_and_every_bound_stays_in_its_range_and_bounds_enclose_the_figure(drawn: Drawn) -> None:
    candidate, reference, *independents, labels = drawn
    for (name, _), entry in measured(table_of(candidate, reference, labels), yardstick_of(*independents)).items():
        spec = SPECS[name]
        low, high = spec.low, math.inf if spec.high is None else spec.high
        assert low is not None
        assert low <= entry.value <= high
        assert math.isfinite(entry.value)
        if isinstance(entry.uncertainty, Quantiles):
            assert all(low <= value <= high for value in entry.uncertainty.values)
            lower, upper = bounds(entry)
            assert lower <= entry.value + ROUNDING
            assert upper >= entry.value - ROUNDING
            assert list(entry.uncertainty.values) == sorted(entry.uncertainty.values)


@given(models(fewest=8))
@settings(deadline=None, max_examples=50)
def test_the_figures_are_those_of_well_known_libraries(drawn: Drawn) -> None:
    candidate, reference, _, _, labels = drawn
    table = table_of(candidate, reference, labels)
    found, p, q = measured(table), table.candidate.probabilities, table.reference.probabilities
    assert found["js_divergence", None].value == pytest.approx(
        np.mean(jensenshannon(p, q, base=2, axis=1) ** 2), abs=1e-9
    )
    assert found["total_variation", None].value == pytest.approx(np.mean(np.abs(p - q).sum(axis=1) / 2))
    assert found["l2", None].value == pytest.approx(np.mean(np.linalg.norm(p - q, axis=1)))
    assert found["linf", None].value == np.abs(p - q).max()
    answers = table.candidate.answers, table.reference.answers
    right = answers[0] == labels, answers[1] == labels
    for name, (one, other) in {"kappa": answers, "error_consistency": right}.items():
        if (name, None) in found:
            assert found[name, None].value == pytest.approx(cohen_kappa_score(one, other))
        else:
            assert len(set(one.tolist()) | set(other.tolist())) == 1
    for label in set(labels.tolist()):
        of, entry = labels == label, found.get(("kappa", of_label(f"class {label}")))
        if entry:
            assert entry.value == pytest.approx(cohen_kappa_score(answers[0][of], answers[1][of]))
    if p.shape[1] > 2:
        ranks = [stats.spearmanr(one, other).statistic for one, other in zip(candidate, reference, strict=True)]
        assert found["rank_correlation", None].value == pytest.approx(np.mean(ranks))


def test_tied_scores_share_the_average_of_their_ranks() -> None:
    rng = np.random.default_rng(3)
    candidate, reference = (rng.integers(0, 4, size=(200, 6)).astype(float) for _ in range(2))
    candidate[0], reference[1] = 2.0, 1.0
    entry = measured(table_of(candidate, reference))["rank_correlation", None]
    ranks = [stats.spearmanr(one, other).statistic for one, other in zip(candidate[2:], reference[2:], strict=True)]
    constant = [np.ptp(one) == 0 or np.ptp(other) == 0 for one, other in zip(candidate, reference, strict=True)]
    assert entry.value == pytest.approx(np.nanmean(ranks))
    assert entry.n == 200 - sum(constant)
    assert f"without {sum(constant)} images" in entry.note


def hsic(k: Floats, other: Floats) -> float:
    """Return HSIC_1 of two Gram matrices by its definition, a mean over all ordered quadruples of different images."""
    k, other = k.copy(), other.copy()
    np.fill_diagonal(k, 0.0)
    np.fill_diagonal(other, 0.0)
    n, ones = len(k), np.ones(len(k))
    first = np.trace(k @ other) + (ones @ k @ ones) * (ones @ other @ ones) / ((n - 1) * (n - 2))
    return float((first - 2.0 / (n - 2) * (ones @ k @ other @ ones)) / (n * (n - 3)))


def brute_cka(p: Floats, q: Floats) -> float:
    logs = [np.log(np.maximum(rows, LEAST)) for rows in (p, q)]
    grams = [(part - part.mean(axis=1, keepdims=True)) @ (part - part.mean(axis=1, keepdims=True)).T for part in logs]
    return hsic(*grams) / math.sqrt(hsic(grams[0], grams[0]) * hsic(grams[1], grams[1]))


def test_alignment_and_its_jackknife_are_those_of_whole_gram_matrices() -> None:
    rng = np.random.default_rng(5)
    reference = 3.0 * rng.normal(size=(40, 5))
    table = table_of(reference + rng.normal(size=(40, 5)), reference)
    p, q = table.candidate.probabilities, table.reference.probabilities
    entry = measured(table)["cka", None]
    assert entry.value == pytest.approx(brute_cka(p, q))
    assert isinstance(entry.uncertainty, Quantiles)
    assert entry.uncertainty.method == "jackknife"
    without = np.arctanh([brute_cka(np.delete(p, row, axis=0), np.delete(q, row, axis=0)) for row in range(40)])
    pull = without.mean() - without
    spread, skewness = math.sqrt(39 / 40 * (pull**2).sum()), (pull**3).sum() / (6 * (pull**2).sum() ** 1.5)
    bent = 1.6448536 / (1 - 1.6448536 * skewness) ** 2
    assert bounds(entry)[1] == pytest.approx(math.tanh(math.atanh(entry.value) + spread * bent))


def test_unrelated_models_have_an_alignment_of_zero_however_few_the_images() -> None:
    values = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        values.append(measured(table_of(*rng.normal(size=(2, 20, 30))))["cka", None].value)
    assert abs(np.mean(values)) < 3.0 * np.std(values) / math.sqrt(200)


@pytest.mark.parametrize("distance", list(Distance))
def test_independence_is_the_distance_over_the_median_independents(distance: Distance) -> None:
    rng = np.random.default_rng(7)
    reference = rng.normal(size=(300, 4))
    candidate, *independents = (reference + scale * rng.normal(size=(300, 4)) for scale in (0.5, 0.9, 1.0, 1.4))
    table, yardstick = table_of(candidate, reference), yardstick_of(*independents, distance=distance)
    q = table.reference.probabilities
    far = [
        {
            Distance.JS_DIVERGENCE: lambda p: float(np.mean(jensenshannon(p, q, base=2, axis=1) ** 2)),
            Distance.TOTAL_VARIATION: lambda p: float(np.mean(np.abs(p - q).sum(axis=1) / 2)),
            Distance.L2: lambda p: float(np.mean(np.linalg.norm(p - q, axis=1))),
            Distance.DISAGREEMENT: lambda p: float(np.mean(p.argmax(axis=1) != q.argmax(axis=1))),
        }[distance](p)
        for p in (table.candidate.probabilities, *yardstick.probabilities)
    ]
    results = results_of(table, yardstick)
    (entry,) = [figure for figure in results.measurements if figure.metric == "similarity.independence"]
    assert entry.value == pytest.approx(far[0] / np.median(far[1:]))
    lower, upper = bounds(entry)
    assert lower < entry.value < upper
    assert f"{far[0] / max(far[1:]):.4g} to {far[0] / min(far[1:]):.4g}" in entry.note
    (shown,) = [each for each in results.exhibits if isinstance(each, Table) and each.title.startswith("Distance from")]
    assert [row[0] for row in shown.rows] == ["candidate", "u0.pt", "u1.pt", "u2.pt"]
    assert "nearer to the reference than every independent" in shown.caption
    assert "does not tell another function from a broken one" in shown.caption


def test_models_lie_in_a_plane_as_far_apart_as_their_answers_and_the_caption_says_how_true_it_is() -> None:
    rng = np.random.default_rng(3)
    reference = rng.normal(size=(300, 4))
    candidate, *independents = (reference + scale * rng.normal(size=(300, 4)) for scale in (0.05, 1.0, 1.0))
    table, yardstick = table_of(candidate, reference), yardstick_of(*independents)
    (plane,) = [each for each in results_of(table, yardstick).exhibits if each.title == "Functional landscape"]
    assert isinstance(plane, Table)
    assert [row[:2] for row in plane.rows] == [
        ("reference", "reference"),
        ("candidate", "candidate"),
        ("u0.pt", "independent"),
        ("u1.pt", "independent"),
    ]
    places = np.asarray([row[2:] for row in plane.rows], dtype=np.float64)
    drawn = np.linalg.norm(places - places[0], axis=1)
    true = [
        math.sqrt(np.mean(jensenshannon(rows, table.reference.probabilities, base=2, axis=1) ** 2))
        for rows in (table.candidate.probabilities, *yardstick.probabilities)
    ]
    assert drawn[1:] == pytest.approx(true, abs=0.02), "four points, of which two coincide nearly: a plane has room"
    told = "Classical scaling of the root of the mean js_divergence between all 4 models over 300 images"
    assert told in plane.caption
    assert "of all squared distances; rank correlation with the true ones" in plane.caption
    assert plane.chart is not None
    assert plane.chart.plane


def test_of_very_many_answers_a_part_is_drawn_for_the_plane_and_the_caption_says_so() -> None:
    from vetgate_similarity import plane

    assert plane._drawn(5, 10_000, 10) is None
    drawn = plane._drawn(5, 50_000, 1000)
    assert drawn is not None
    assert len(drawn) == len(set(drawn.tolist())) == 5000
    assert plane._images(5000, 50_000) == "5,000 images drawn from 50,000"


def test_independence_is_resampled_on_the_same_images_as_its_yardstick() -> None:
    """Where the candidate is one of two equal independents, numerator and denominator move together: no spread."""
    rng = np.random.default_rng(8)
    reference = rng.normal(size=(400, 4))
    other = reference + rng.normal(size=(400, 4))
    entry = measured(table_of(other, reference), yardstick_of(other, other))["independence", None]
    assert entry.value == 1.0
    assert isinstance(entry.uncertainty, Quantiles)
    assert entry.uncertainty.method == "images not seen"


def test_without_a_yardstick_independence_is_absent_and_a_rule_is_told_how_to_get_one() -> None:
    rng = np.random.default_rng(9)
    table = table_of(*rng.normal(size=(2, 20, 4)))
    asked = Ask(questions=(Question(metric="similarity.independence", of=Of.PAIR),), replicates=300)
    results = results_of(table, ask=asked)
    assert ("independence", None) not in measured(table, ask=asked)
    (finding,) = [each for each in results.findings if each.message.startswith("similarity.independence ")]
    assert "no yardstick" in finding.message
    assert "vetgate yardstick build" in finding.advice
    assert not results_of(table).findings


def test_independents_that_do_not_differ_from_the_reference_measure_nothing() -> None:
    rng = np.random.default_rng(10)
    candidate, reference = rng.normal(size=(2, 20, 4))
    results = results_of(table_of(candidate, reference), yardstick_of(reference, reference))
    assert not [entry for entry in results.measurements if entry.metric == "similarity.independence"]
    assert "similarity.independence has no value: the median independent does not differ" in told(results)


def test_a_yardstick_of_other_images_is_refused() -> None:
    rng = np.random.default_rng(11)
    with pytest.raises(Inconclusive, match="other images or classes"):
        results_of(table_of(*rng.normal(size=(2, 20, 4))), yardstick_of(*rng.normal(size=(2, 19, 4))))


def test_the_greatest_difference_has_no_bound_and_says_what_may_lie_beyond() -> None:
    rng = np.random.default_rng(12)
    entry = measured(table_of(*rng.normal(size=(2, 300, 4))))["linf", None]
    assert entry.uncertainty == Unstated()
    assert f"at most {1 - 0.05 ** (1 / 300):.2%} of images lie beyond it" in entry.note


CONSTANT = np.tile([0.0, 3.0, 1.0], (50, 1))
VARIED = np.random.default_rng(13).normal(size=(50, 3))


@pytest.mark.parametrize(
    ("candidate", "reference", "who"),
    [
        (CONSTANT, VARIED, "the candidate gives"),
        (VARIED, CONSTANT, "the reference gives"),
        (CONSTANT, CONSTANT, "the candidate and the reference give"),
    ],
)
def test_a_dead_network_is_named_and_not_scored(candidate: Floats, reference: Floats, who: str) -> None:
    labels = np.arange(50) % 3
    results = results_of(table_of(candidate, reference, labels))
    (named,) = [finding for finding in results.findings if finding.rule == "similarity.degenerate"]
    assert named.message.startswith(f"{who} the same output for every image")
    for name in ("kappa", "error_consistency", "rank_correlation", "cka"):
        assert not [entry for entry in results.measurements if entry.metric == f"similarity.{name}"]
        assert f"similarity.{name} has no value: {who}" in told(results)
    assert {entry.metric for entry in results.measurements} >= {"similarity.agreement", "similarity.js_divergence"}


def test_one_and_the_same_answer_of_both_models_leaves_no_kappa() -> None:
    rng = np.random.default_rng(14)
    scores = rng.normal(size=(2, 40, 3)) + np.array([9.0, 0.0, 0.0])
    results = results_of(table_of(scores[0], scores[1], np.arange(40) % 2))
    assert not [entry for entry in results.measurements if entry.metric == "similarity.kappa"]
    assert "similarity.kappa has no value: both models give every image one and the same class" in told(results)
    assert "(of class class 0, class class 1)" in told(results)


def test_models_that_are_never_wrong_have_no_error_consistency() -> None:
    scores = 5.0 * np.eye(3)[np.arange(30) % 3]
    results = results_of(table_of(scores + 0.1 * VARIED[:30], scores + 0.1 * VARIED[20:], np.arange(30) % 3))
    assert "similarity.error_consistency has no value" in told(results)
    assert {entry.value for entry in results.measurements if entry.metric == "similarity.kappa"} == {1.0}


@pytest.mark.parametrize("images", [1, 2, 3, 4, 5])
def test_few_images_give_wide_bounds_or_a_reason_and_never_an_error(images: int) -> None:
    rng = np.random.default_rng(images)
    candidate, reference, *independents = rng.normal(size=(4, images, 3))
    results = results_of(table_of(candidate, reference, rng.integers(0, 3, images)), yardstick_of(*independents))
    found = {entry.metric for entry in results.measurements if entry.slice is None}
    missing = {spec.id for spec in METRICS} - found
    assert all(f"{name} has no value" in told(results) for name in missing)
    assert ("similarity.cka" in found) == (images >= 5)


def test_two_classes_have_no_rank_correlation_and_a_rule_is_told_why() -> None:
    rng = np.random.default_rng(15)
    table = table_of(*pair_of(rng, (30, 2)), rng.integers(0, 2, 30))
    asked = Ask(questions=(Question(metric="similarity.rank_correlation", of=Of.PAIR),), replicates=300)
    assert ("rank_correlation", None) not in measured(table)
    assert "similarity.rank_correlation has no value: two classes" in told(results_of(table, ask=asked))


def test_one_class_leaves_nothing_to_correlate() -> None:
    results = results_of(table_of(np.ones((10, 1)), np.ones((10, 1)), np.zeros(10)))
    found = {entry.metric.removeprefix("similarity.") for entry in results.measurements}
    assert found == {"agreement", "negative_flips", "positive_flips", "js_divergence", "total_variation", "l2", "linf"}


def test_scores_that_tie_on_every_image_leave_no_rank_correlation() -> None:
    flat = np.zeros((30, 3))
    flat[0] = 1.0
    results = results_of(table_of(flat, np.random.default_rng(16).normal(size=(30, 3))))
    assert not [entry for entry in results.measurements if entry.metric == "similarity.rank_correlation"]
    assert told(results)


def test_a_label_without_images_has_no_figures_and_the_others_have_six() -> None:
    rng = np.random.default_rng(17)
    found = measured(table_of(*pair_of(rng, (60, 3)), rng.integers(0, 2, 60)))
    by_class = {"agreement", "kappa", "negative_flips", "positive_flips", "js_divergence", "total_variation"}
    for label in range(2):
        assert {name for name, where in found if where == of_label(f"class {label}")} == by_class
    assert not [where for _, where in found if where == of_label("class 2")]


def test_without_labels_all_stands_that_needs_none() -> None:
    rng = np.random.default_rng(18)
    candidate, reference, *independents = rng.normal(size=(4, 60, 3))
    found = measured(table_of(candidate, reference), yardstick_of(*independents))
    free = {name for name, spec in SPECS.items() if not spec.needs_labels}
    assert set(found) == {(name, None) for name in free}


def test_beyond_a_hundred_classes_figures_come_by_class_only_where_a_rule_asks() -> None:
    rng = np.random.default_rng(19)
    table = table_of(*pair_of(rng, (303, 101)), np.arange(303) % 101)
    assert not [where for _, where in measured(table) if where]
    asked = Ask(questions=(Question(metric="similarity.l2", of=Of.PAIR, slice=Slice(by=LABEL)),), replicates=300)
    assert {name for name, where in measured(table, ask=asked) if where} == {"l2"}
    assert len([where for _, where in measured(table, ask=asked) if where]) == 101


def test_every_sliced_figure_comes_for_the_columns_that_rules_ask_for() -> None:
    rng = np.random.default_rng(20)
    table = table_of(*pair_of(rng, (90, 4)), np.arange(90) % 3)
    questions = tuple(Question(metric=spec.id, of=Of.PAIR, slice=Slice(by=LABEL)) for spec in METRICS if spec.sliced)
    found = measured(table, ask=Ask(questions=questions, replicates=300))
    for name in (name for name, spec in SPECS.items() if spec.sliced):
        assert len([where for key, where in found if key == name and where]) == 3, name


def test_figures_that_a_rule_bounds_rest_on_all_replicates_and_the_others_on_two_thousand() -> None:
    rng = np.random.default_rng(21)
    asked = Ask(questions=(Question(metric="similarity.l2", of=Of.PAIR, confidence=0.95),), replicates=3_000)
    found = measured(table_of(*rng.normal(size=(2, 50, 4))), ask=asked)
    methods = {name: entry.uncertainty for (name, _), entry in found.items()}
    assert getattr(methods["l2"], "method", "").endswith(", 3,000 replicates")
    assert getattr(methods["kappa"], "method", "").endswith(", 2,000 replicates")


def test_agreement_and_flips_stay_counts() -> None:
    rng = np.random.default_rng(22)
    found = measured(table_of(*pair_of(rng, (50, 4)), rng.integers(0, 4, 50)))
    for (name, _), entry in found.items():
        assert isinstance(entry.uncertainty, Counts) == (name in ("agreement", "negative_flips", "positive_flips"))


class TestContractOfTheSimilarityCheck(CheckContract):
    def spec(self) -> CheckSpec[Any]:
        (spec,) = vetgate_checks()
        return spec

    def context(self) -> TableContext:
        rng = np.random.default_rng(23)
        candidate, reference, *independents = rng.normal(size=(4, 60, 3))
        return TableContext(table_of(candidate, reference, rng.integers(0, 3, 60)), yardstick_of(*independents))
