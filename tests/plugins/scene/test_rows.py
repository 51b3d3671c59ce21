"""Maps and boxes as rows, and back in the pixels of the image that they are of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.plugins.scene.rectangles import CARD, detection_output, segmentation_output
from vetgate.domain.card import Card
from vetgate.domain.errors import CardError, VetgateError, WorkerFailed
from vetgate.domain.scene import NO_CLASS, Boxes
from vetgate.inference.frame import Frame
from vetgate.inference.prepare import fit
from vetgate.inference.rows import pack_boxes, pack_maps, read_boxes, read_map


def card(output: dict[str, Any], **changes: Any) -> Card:
    return Card.model_validate({**CARD, "input": {**CARD["input"], **changes}, "output": output})


def packed(raw: NDArray[Any], layout: str = "NCHW", **more: Any) -> NDArray[np.float32]:
    output = card({**segmentation_output(layout), **more}).output
    assert output.segmentation is not None
    return pack_maps(raw.astype(np.float32), output, output.segmentation)


def boxed(*parts: Any, **section: Any) -> NDArray[np.float32]:
    model = card(detection_output(**section))
    assert model.output.detection is not None
    return pack_boxes([np.asarray(part, dtype=np.float32) for part in parts], model, model.output.detection)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_map_comes_back_from_its_row_as_it_was(height: int, width: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 4, (2, height, width))
    rows = packed(labels, "NHW")
    assert rows.shape[1] == 2 + -(-height * width // 3)
    assert [read_map(row).tolist() for row in rows] == labels.tolist()


def test_scores_are_read_along_the_axis_that_the_card_says_and_ties_go_to_the_first() -> None:
    scores = np.random.default_rng(0).normal(size=(2, 4, 5, 6))
    scores[0, :, 0, 0] = 1.0
    planes, last = packed(scores), packed(np.moveaxis(scores, 1, -1), "NHWC")
    assert np.array_equal(planes, last)
    assert np.array_equal(read_map(planes[1]), scores[1].argmax(axis=0))
    assert read_map(planes[0])[0, 0] == 0


def test_outputs_that_are_no_class_leave_pixels_without_one() -> None:
    names = ("red", "green", "blue")
    row = packed(np.array([[[0, 1, 2, 3]]]), "NHW", classes=names, offset=1)[0]
    assert read_map(row).tolist() == [[NO_CLASS, 0, 1, 2]]


@pytest.mark.parametrize(
    ("raw", "layout", "told"),
    [
        (np.full((1, 2, 2), 4.0), "NHW", "classes from 0 to 3"),
        (np.full((1, 2, 2), 0.5), "NHW", "classes from 0 to 3"),
        (np.full((1, 2, 2), -1.0), "NHW", "classes from 0 to 3"),
        (np.zeros((1, 5, 2, 2)), "NCHW", "has 5 in NCHW"),
        (np.zeros((1, 4, 2, 2)), "NHWC", "has 2 in NHWC"),
        (np.zeros((1, 4)), "NCHW", "its output is 1 x 4"),
        (np.full((1, 4, 2, 2), np.nan), "NCHW", "NaN"),
    ],
)
def test_an_output_that_is_no_such_map_is_an_error(raw: NDArray[Any], layout: str, told: str) -> None:
    with pytest.raises(VetgateError, match=told):
        packed(raw, layout)


@pytest.mark.parametrize(
    ("order", "units", "box"),
    [
        ("xyxy", "pixels", (12, 8, 24, 16)),
        ("yxyx", "pixels", (8, 12, 16, 24)),
        ("xywh", "pixels", (12, 8, 12, 8)),
        ("cxcywh", "pixels", (18, 12, 12, 8)),
        ("yxyx", "fraction", (8 / 32, 12 / 48, 16 / 32, 24 / 48)),
        ("cxcywh", "fraction", (18 / 48, 12 / 32, 12 / 48, 8 / 32)),
    ],
)
def test_boxes_are_read_as_the_card_says(order: str, units: str, box: tuple[float, ...]) -> None:
    found = read_boxes(boxed([[box]], [[0.9]], [[2]], format=order, units=units))
    assert found.corners.tolist() == [pytest.approx([12, 8, 24, 16])]
    assert (found.scores.tolist(), found.classes.tolist()) == ([pytest.approx(0.9)], [1])


def test_padding_is_left_out_and_the_best_boxes_come_first() -> None:
    boxes = [[0, 0, 4, 4], [0, 0, 8, 8], [9, 9, 2, 2], [0, 0, 6, 6]]
    found = read_boxes(boxed(boxes, [0.3, 0.8, 0.0, 0.5], [1, 2, -1, 3], most=2))
    assert found.corners[:, 2].tolist() == [8, 6]
    counted = read_boxes(boxed(boxes, [0.3, 0.8, 0.9, 0.5], [1, 2, 7, 3], [2], count="count"))
    assert counted.corners[:, 2].tolist() == [8, 4]
    sure = read_boxes(boxed(boxes, [0.3, 0.8, 0.4, 0.5], [1, 2, 7, 3], threshold=0.4))
    assert sure.corners[:, 2].tolist() == [8, 6]


def test_edges_beyond_the_image_are_cut_off() -> None:
    assert read_boxes(boxed([[-2, -1, 60, 40]], [1.0], [1])).corners.tolist() == [[0, 0, 48, 32]]


@pytest.mark.parametrize(
    ("box", "score", "label", "told"),
    [
        ((8, 8, 4, 12), 0.9, 1, "ends before it begins"),
        ((60, 8, 70, 12), 0.9, 1, "lies outside the image"),
        ((0, 0, 4, 4), 1.2, 1, "scores from 1.2 to 1.2"),
        ((0, 0, 4, 4), -0.5, 1, "scores from -0.5"),
        ((0, 0, np.nan, 4), 0.9, 1, "NaN"),
        ((0, 0, 4, 4), np.inf, 1, "NaN or infinity"),
        ((0, 0, 4, 4), 0.9, 4, "names classes from 4 to 4, but the card lists 3"),
        ((0, 0, 4, 4), 0.9, 1.5, "names classes from 1.5"),
    ],
)
def test_a_box_that_cannot_be_is_an_error(box: tuple[float, ...], score: float, label: float, told: str) -> None:
    with pytest.raises((WorkerFailed, CardError), match=told):
        boxed([box], [score], [label])


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (([[[0, 0, 4]]], [[1]], [[1]]), "'boxes' is 1 x 1 x 3"),
        (([[0, 0, 4, 4]], [1, 1], [1, 1]), "1, 2, 2 entries"),
        (([[0, 0, 4, 4]], [1], [1], [2]), "says .2.0. of 1 boxes"),
    ],
)
def test_outputs_that_do_not_fit_each_other_are_an_error(parts: tuple[Any, ...], told: str) -> None:
    with pytest.raises((WorkerFailed, CardError), match=told):
        boxed(*parts, **({"count": "count"} if len(parts) == 4 else {}))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"resize": {"shorter_side": 50, "interpolation": "nearest"}, "crop": "center"},
        {"resize": {"to": [64, 48], "interpolation": "nearest"}, "crop": "center"},
        {"resize": "none", "crop": "center"},
    ],
)
@pytest.mark.parametrize("size", [(64, 96), (70, 61), (32, 48)])
def test_a_map_lands_where_the_pixels_came_from(changes: dict[str, Any], size: tuple[int, int]) -> None:
    taken = card(segmentation_output(), **changes).input
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = np.stack([rows * 3, columns * 2, rows * 0], axis=-1).astype(np.uint8)
    seen = fit(image, taken, "image")
    for channel, step in ((0, 3), (1, 2)):
        back = Frame(size, taken).spread(seen[:, :, channel])
        told = back != NO_CLASS
        assert told.any()
        far = np.abs(back[told].astype(int) - image[told][:, channel].astype(int)) / step
        scale = max(length / whole for length, whole in zip(size, Frame(size, taken).whole, strict=True))
        assert far.max() <= max(1.0, scale)


def test_what_a_crop_cut_off_has_no_class_and_boxes_move_by_it() -> None:
    taken = card(segmentation_output(), resize={"to": [64, 96], "interpolation": "nearest"}, crop="center").input
    frame = Frame((128, 192), taken)
    spread = frame.spread(np.zeros((16, 24), dtype=np.uint8))
    assert np.argwhere(spread == 0).min(axis=0).tolist() == [32, 48]
    assert np.argwhere(spread == 0).max(axis=0).tolist() == [95, 143]
    boxes = Boxes(np.array([[0.0, 0, 48, 32]]), np.ones(1), np.zeros(1, dtype=np.int64))
    assert frame.restore(boxes).corners.tolist() == [[48, 32, 144, 96]]
