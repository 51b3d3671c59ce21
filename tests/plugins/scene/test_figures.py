"""Figures of maps and boxes, against pycocotools called directly and counts by hand."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from vetgate_scene.detection import DetectionCheck
from vetgate_scene.segmentation import SegmentationCheck

from vetgate.api import (
    NO_CLASS,
    Ask,
    Boxes,
    DetectionContext,
    DetectionTable,
    Inconclusive,
    Of,
    Question,
    Results,
    SegmentationContext,
    SegmentationTable,
    TrueBoxes,
)
from vetgate.statistics import stated_bounds

CLASSES = ("one", "two", "three")


def detect(table: DetectionTable, ask: Ask | None = None) -> Results:
    return DetectionCheck().measure(DetectionContext(table), ask or Ask())


def value(results: Results, metric: str, role: Of, where: str | None = None) -> float:
    [found] = [
        figure
        for figure in results.measurements
        if (figure.metric, figure.role, figure.slice and figure.slice.value) == (metric, role, where)
    ]
    return found.value


def boxes(corners: Any, scores: Any, classes: Any) -> Boxes:
    return Boxes(
        np.asarray(corners, dtype=np.float64).reshape(-1, 4),
        np.asarray(scores, dtype=np.float64),
        np.asarray(classes, dtype=np.int64),
    )


def scene(rng: np.random.Generator, *, noise: float) -> tuple[TrueBoxes, Boxes]:
    """Return objects of one image, one of them a crowd now and then, and boxes near some of them and elsewhere."""
    count = int(rng.integers(0, 6))
    corner = rng.uniform(0, 60, (count, 2))
    corners = np.concatenate([corner, corner + rng.uniform(8, 30, (count, 2))], axis=1)
    classes = rng.integers(0, 3, count)
    near = corners + rng.normal(0, noise, corners.shape)
    other = rng.uniform(0, 60, (2, 2))
    found = np.concatenate([near, np.concatenate([other, other + 10], axis=1)])
    named = np.concatenate([np.where(rng.random(count) < 0.8, classes, 0), rng.integers(0, 3, 2)])
    scores = np.sort(np.round(rng.random(len(found)), 1))[::-1]  # tied scores are usual after quantisation
    found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
    return TrueBoxes(corners, classes, rng.random(count) < 0.1), boxes(found, scores, named)


def by_pycocotools(found: Sequence[Boxes], truth: Sequence[TrueBoxes]) -> tuple[float, float]:
    """Return mean average precision and that at 0.5, as a user of pycocotools would have them."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    coco = COCO()
    annotations: list[dict[str, Any]] = []
    results = []
    for image, (objects, given) in enumerate(zip(truth, found, strict=True)):
        for place in range(len(objects.classes)):
            x1, y1, x2, y2 = objects.corners[place].tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(objects.classes[place]),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": int(objects.crowd[place]),
                }
            )
        for place in range(len(given.scores)):
            x1, y1, x2, y2 = given.corners[place].tolist()
            box = [x1, y1, x2 - x1, y2 - y1]
            score, kind = float(given.scores[place]), int(given.classes[place])
            results.append({"image_id": image, "category_id": kind, "bbox": box, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        images = [{"id": image} for image in range(len(truth))]
        categories = [{"id": kind, "name": name} for kind, name in enumerate(CLASSES)]
        coco.dataset = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(results), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return float(judge.stats[0]), float(judge.stats[1])


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_that_of_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [scene(rng, noise=3.0) for _ in range(15)]
    truth, found = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    ids = [str(place) for place in range(10, 25)]
    results = detect(DetectionTable(ids, CLASSES, found, found, truth))
    told = [value(results, metric, Of.CANDIDATE) for metric in ("detection.map", "detection.ap50")]
    assert told == [pytest.approx(figure, abs=1e-12) for figure in by_pycocotools(found, truth)]
    assert value(results, "detection.map", Of.DELTA) == 0


def test_average_precision_by_hand() -> None:
    """Of two objects the surest box is one, the next none, the last the other: precision 1 up to a half, then 2/3."""
    truth = [TrueBoxes(np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]]), np.zeros(2, np.int64), np.zeros(2, np.bool_))]
    found = [boxes([[0, 0, 10, 10], [50, 0, 60, 10], [20, 0, 30, 10]], [0.9, 0.8, 0.4], [0, 0, 0])]
    results = detect(DetectionTable(["a"], CLASSES, found, found, truth))
    assert value(results, "detection.map", Of.CANDIDATE) == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)
    assert value(results, "detection.recall", Of.CANDIDATE) == 0.5
    assert value(results, "detection.precision", Of.CANDIDATE) == 0.5


def test_boxes_found_again_by_hand() -> None:
    """Of three sure boxes one comes back shifted by 2 of 10, one with another class, one not; one is made up."""
    reference = boxes(
        [[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]], [0.9, 0.9, 0.9, 0.2], [0] * 4
    )
    candidate = boxes([[2, 0, 12, 10], [20, 0, 30, 10]], [0.9, 0.6], [0, 1])
    table = DetectionTable(["a"], CLASSES, [candidate], [reference], None)
    results = detect(table)
    assert value(results, "detection.found_again", Of.PAIR) == pytest.approx(1 / 3)
    assert value(results, "detection.made_up", Of.PAIR) == pytest.approx(1 / 2)
    assert value(results, "detection.box_iou", Of.PAIR) == pytest.approx(8 / 12)
    assert not [figure for figure in results.measurements if figure.role is not Of.PAIR]


def test_data_without_an_object_is_inconclusive() -> None:
    nothing = TrueBoxes(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0, np.bool_))
    found = [boxes([[0, 0, 1, 1]], [0.9], [0])]
    with pytest.raises(Inconclusive, match="shows no object"):
        detect(DetectionTable(["a"], CLASSES, found, found, [nothing]))


def asked(metric: str) -> Ask:
    return Ask(questions=(Question(metric=metric, of=Of.DELTA, at_least=-0.01, confidence=0.95),), replicates=2000)


def test_bounds_of_a_difference_hold_it_and_know_the_pairing() -> None:
    """A candidate that is the reference on 59 of 60 images is bounded more tightly than one that is another model."""
    rng = np.random.default_rng(3)
    truth, found = zip(*(scene(rng, noise=1.0) for _ in range(60)), strict=True)
    _, other = zip(*(scene(np.random.default_rng(seed), noise=1.0) for seed in range(60)), strict=True)
    ids = [f"{place:02}" for place in range(60)]
    widths = []
    for candidate in ([boxes([], [], []), *found[1:]], list(other)):
        table = DetectionTable(ids, CLASSES, candidate, found, truth)
        results = detect(table, asked("detection.map"))
        [delta] = [each for each in results.measurements if each.metric == "detection.map" and each.role is Of.DELTA]
        bounds = stated_bounds(delta, 0.95)
        assert bounds is not None
        assert bounds.lower <= delta.value <= bounds.upper
        widths.append(bounds.upper - bounds.lower)
    assert widths[0] < widths[1]


def test_images_whose_neighbours_by_name_are_alike_are_resampled_like_others() -> None:
    """Every object of the first 200 images is found, none of the other 200: shares stray by a half / sqrt(400)."""
    box = boxes([[0, 0, 10, 10]], [0.9], [0])
    truth = [TrueBoxes(box.corners, box.classes, np.zeros(1, np.bool_))] * 400
    found = [box] * 200 + [boxes([], [], [])] * 200
    table = DetectionTable([f"{place:03}" for place in range(400)], CLASSES, found, [box] * 400, truth)
    [delta] = [
        each for each in detect(table, asked("detection.recall")).measurements
        if each.metric == "detection.recall" and each.role is Of.DELTA
    ]  # fmt: skip
    bounds = stated_bounds(delta, 0.95)
    assert bounds is not None
    assert bounds.upper - bounds.lower == pytest.approx(2 * 1.645 * 0.5 / 20, rel=0.2)


def maps(*rows: Any) -> list[NDArray[np.uint8]]:
    return [np.asarray(row, dtype=np.uint8) for row in rows]


def test_overlap_of_classes_by_hand() -> None:
    """What nobody labels counts nowhere; what a model never saw counts as wrong."""
    truth = maps([[0, 0, 1, 1], [0, 0, 1, NO_CLASS]])
    candidate = maps([[0, 1, 1, 1], [0, 0, NO_CLASS, 0]])
    reference = maps([[0, 0, 1, 1], [0, 0, 1, 1]])
    table = SegmentationTable(["a"], CLASSES, candidate, reference, truth)
    results = SegmentationCheck().measure(SegmentationContext(table), Ask())
    overlap = {"one": 3 / 4, "two": 2 / 4}
    for name, expected in overlap.items():
        assert value(results, "segmentation.iou", Of.CANDIDATE, name) == pytest.approx(expected)
    assert value(results, "segmentation.miou", Of.CANDIDATE) == pytest.approx(np.mean(list(overlap.values())))
    assert value(results, "segmentation.miou", Of.REFERENCE) == 1
    assert value(results, "segmentation.pixel_accuracy", Of.CANDIDATE) == pytest.approx(5 / 7)
    assert value(results, "segmentation.agreement", Of.PAIR) == pytest.approx(5 / 8)


def test_without_masks_only_agreement_is_told() -> None:
    table = SegmentationTable(["a"], CLASSES, maps([[0]]), maps([[0]]), None)
    results = SegmentationCheck().measure(SegmentationContext(table), Ask())
    assert [figure.metric for figure in results.measurements] == ["segmentation.agreement"]


def test_masks_that_label_nothing_are_inconclusive() -> None:
    table = SegmentationTable(["a"], CLASSES, maps([[0]]), maps([[0]]), maps([[NO_CLASS]]))
    with pytest.raises(Inconclusive, match="label no pixel"):
        SegmentationCheck().measure(SegmentationContext(table), Ask())


def test_the_order_of_the_images_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    drawn = [maps(*rng.integers(0, 3, (3, 6, 6))) for _ in range(12)]
    results = []
    for order in (range(12), reversed(range(12))):
        one, other, truth = zip(*(drawn[place] for place in order), strict=True)
        table = SegmentationTable([str(n) for n in range(12)], CLASSES, one, other, truth)
        results.append(SegmentationCheck().measure(SegmentationContext(table), asked("segmentation.miou")))
    assert results[0].measurements == results[1].measurements
