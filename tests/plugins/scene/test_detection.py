"""Models that find objects, through the whole gate."""

from __future__ import annotations

import pytest

from tests.plugins.scene.conftest import IMAGES, World, figures
from tests.plugins.scene.rectangles import draw


def test_a_detector_that_lost_a_class_fails_and_its_figures_are_those_counted_by_hand(world: World) -> None:
    code, report = world.check("misses.onnx", "finds.onnx", "coco", "--policy", "detection")
    assert code == 1
    assert [figure["value"] for figure in figures(report, "detection.map", "reference")] == [1]
    assert [figure["value"] for figure in figures(report, "detection.map", "candidate")] == [pytest.approx(2 / 3)]
    assert [figure["value"] for figure in figures(report, "detection.ap50", "delta")] == [pytest.approx(-1 / 3)]
    boxes = [kind for each in draw(IMAGES) for *_, kind in each.boxes]
    seen = sum(kind != 3 for kind in boxes) / len(boxes)
    for metric, role in (("detection.recall", "candidate"), ("detection.found_again", "pair")):
        assert [figure["value"] for figure in figures(report, metric, role)] == [pytest.approx(seen)]
    assert [figure["value"] for figure in figures(report, "detection.precision", "candidate")] == [1]
    assert [figure["value"] for figure in figures(report, "detection.made_up", "pair")] == [0]
    assert [figure["value"] for figure in figures(report, "detection.box_iou", "pair")] == [1]
    by_class = {each["slice"]["value"]: each["value"] for each in figures(report, "detection.ap", "candidate")}
    assert by_class == {"red": pytest.approx(1), "green": pytest.approx(1), "blue": 0}
    failed = {ruling["rule"] for ruling in report["verdict"]["rulings"] if ruling["decision"] == "fail"}
    assert {"detection.map/delta", "detection.found_again"} <= failed
