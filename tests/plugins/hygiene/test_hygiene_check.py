"""What the checks of the images and of their labels find, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from vetgate_hygiene.check import HygieneCheck
from vetgate_hygiene.doubts import LabelDoubts, confident
from vetgate_hygiene.duplicates import find_overlap

from tests.plugins.hygiene.hygiene_sets import Pixels, as_set, brighter, cropped, jpeg, picture, resized
from vetgate.api import Ask, ImagesContext, Inconclusive, Results, TableContext
from vetgate.domain.predictions import Predictions, PredictionTable

BASE = [picture(seed) for seed in range(200)]
OTHERS = [picture(seed) for seed in range(1000, 1100)]


def _values(results: Results) -> dict[str, float]:
    return {figure.metric: figure.value for figure in results.measurements}


@pytest.mark.parametrize(
    "change",
    [
        jpeg,
        brighter,
        cropped,
        lambda pixels: pixels[:, ::-1],
        lambda pixels: resized(pixels, 24),
        lambda pixels: resized(pixels, 96),
        lambda pixels: jpeg(brighter(pixels)[:, ::-1]),
    ],
    ids=["jpeg", "brighter", "cropped", "mirrored", "smaller", "larger", "all at once"],
)
def test_a_planted_near_copy_is_found_beside_what_it_was_made_of(change: Callable[[Pixels], Pixels]) -> None:
    vetted = as_set([*OTHERS[:20], change(BASE[17])], name="vetted")
    pairs = find_overlap(vetted, as_set(BASE, name="base"))
    assert [(pair.first, pair.second, pair.exact) for pair in pairs] == [(20, 17, False)]


def test_a_near_copy_is_found_as_well_where_the_whole_image_is_the_vetted_one() -> None:
    base = as_set([*BASE[:50], cropped(OTHERS[3])], name="base")
    assert [(pair.first, pair.second) for pair in find_overlap(as_set(OTHERS[:20]), base)] == [(3, 50)]


def test_unrelated_images_are_no_copies() -> None:
    results = HygieneCheck().measure(ImagesContext(as_set(OTHERS), as_set(BASE)), Ask())
    assert set(_values(results).values()) == {0.0}
    assert results.findings == ()
    assert results.exhibits == ()


def test_images_that_show_nothing_are_only_ever_exact_copies() -> None:
    black, dark = np.zeros((32, 32, 3), dtype=np.uint8), np.full((32, 32, 3), 9, dtype=np.uint8)
    pairs = find_overlap(as_set([black, dark]), as_set([*BASE[:5], dark]))
    assert [(pair.first, pair.second, pair.exact) for pair in pairs] == [(1, 5, True)]


def test_overlap_is_counted_once_an_image_over_both_sets_and_shown_with_both_labels() -> None:
    vetted = as_set([*OTHERS[:7], BASE[0], BASE[1], jpeg(BASE[2])], labels=[0] * 10, name="vetted")
    calibration, training = as_set(BASE[:2], name="calibration"), as_set(BASE, labels=[1] * 200, name="training")
    results = HygieneCheck().measure(ImagesContext(vetted, calibration, training), Ask())
    assert _values(results)["data.overlap_exact"] == 0.2
    assert _values(results)["data.overlap_near"] == 0.3
    assert [finding.rule for finding in results.findings] == ["hygiene.overlap"] * 2
    table = results.exhibits[1]
    assert table.kind == "table"
    assert table.rows[0][:3] == ("vetted/0007", "training/0000", "exact")
    assert table.rows[2][:3] == ("vetted/0009", "training/0002", "near")
    assert table.rows[0][4:] == ("0", "1")


def test_without_other_sets_overlap_is_unknown_and_never_zero() -> None:
    results = HygieneCheck().measure(ImagesContext(as_set(OTHERS)), Ask())
    assert not {"data.overlap_exact", "data.overlap_near"} & set(_values(results))
    assert [finding.message for finding in results.findings] == [
        f"{name} was not measured: no calibration data was named (--calibration-data PATH), nor training data "
        "(--train-data PATH)"
        for name in ("data.overlap_exact", "data.overlap_near")
    ]


def test_unreadable_calibration_images_make_overlap_unknown_unless_that_many_are_allowed() -> None:
    calibration = as_set(BASE[:10], name="calibration")
    broken = replace(calibration, readable=np.arange(10) != 4, unreadable="truncated")
    strict = HygieneCheck().measure(ImagesContext(as_set(OTHERS), broken), Ask())
    assert "data.overlap_exact" not in _values(strict)
    assert any("1 of 10 images of the calibration data" in finding.message for finding in strict.findings)
    tolerant = HygieneCheck().measure(ImagesContext(as_set(OTHERS), broken, tolerated=0.1), Ask())
    assert _values(tolerant)["data.overlap_exact"] == 0
    assert [finding.rule for finding in tolerant.findings] == ["hygiene.unreadable"]


def test_duplicates_are_counted_by_image_and_conflicts_by_label() -> None:
    images = [*OTHERS[:6], OTHERS[0], OTHERS[0], brighter(OTHERS[1])]
    results = HygieneCheck().measure(ImagesContext(as_set(images, labels=[0, 1, 2, 2, 2, 2, 0, 1, 1])), Ask())
    values = _values(results)
    assert values["data.duplicates_exact"] == pytest.approx(3 / 9)
    assert values["data.duplicates_near"] == pytest.approx(5 / 9)
    assert values["data.conflicting_labels"] == pytest.approx(3 / 9)
    assert {finding.rule for finding in results.findings} >= {"hygiene.duplicates", "hygiene.conflicting-labels"}
    table = results.exhibits[0]
    assert table.kind == "table"
    assert table.rows[0][4:] == ("0", "1"), "two labels come first"


def test_a_set_that_cannot_be_read_at_all_is_inconclusive() -> None:
    broken = replace(as_set(OTHERS[:3]), readable=np.zeros(3, dtype=np.bool_), unreadable="truncated")
    with pytest.raises(Inconclusive, match="truncated"):
        HygieneCheck().measure(ImagesContext(broken), Ask())


def _table(reference: np.ndarray, candidate: np.ndarray, labels: np.ndarray | None) -> PredictionTable:
    def answers(rows: np.ndarray) -> Predictions:
        return Predictions(rows.astype(np.float32), rows, rows.argmax(axis=1))

    ids = [f"image {row}" for row in range(len(reference))]
    classes = tuple("abc"[: reference.shape[1]])
    return PredictionTable(ids, labels, classes, answers(candidate), answers(reference))


def test_a_label_that_both_models_deny_alike_is_doubted_and_one_model_alone_is_not_enough() -> None:
    labels = np.repeat([0, 1, 2], 20)
    sure = np.full((60, 3), 0.05)
    sure[np.arange(60), labels] = 0.9
    reference, candidate = sure.copy(), sure.copy()
    reference[[4, 30]] = candidate[4] = (0.02, 0.02, 0.96)
    results = LabelDoubts().measure(TableContext(_table(reference, candidate, labels)), Ask())
    assert _values(results) == {"data.label_doubts": pytest.approx(1 / 60)}
    table = results.exhibits[0]
    assert table.kind == "table"
    assert table.rows == (("image 4", "a", "c", 0.96, 0.96),)


def test_thresholds_are_those_of_confident_learning() -> None:
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.15, 0.85]])
    assert confident(probabilities, np.array([0, 0, 1, 1])).tolist() == [0, -1, -1, 1]


def test_labels_are_neither_doubted_without_labels_nor_at_a_glance() -> None:
    half = np.full((4, 2), 0.5)
    with pytest.raises(Inconclusive, match="none"):
        LabelDoubts().measure(TableContext(_table(half, half, None)), Ask())
    assert LabelDoubts().measure(TableContext(_table(half, half, np.zeros(4, np.int64))), Ask(glance=True)) == Results()
