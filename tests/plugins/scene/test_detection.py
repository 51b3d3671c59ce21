"""Models that find objects, through the whole gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugins.scene.conftest import IMAGES, World, figures
from tests.plugins.scene.rectangles import draw, write_coco
from vetgate.api import Severity


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


def test_names_of_categories_that_were_swapped_are_told_and_change_nothing(world: World, tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "coco", draw(IMAGES))
    content = json.loads((coco / "instances.json").read_text(encoding="utf-8"))
    for category, name in zip(content["categories"], ("green", "red", "blue"), strict=True):
        category["name"] = name
    (coco / "instances.json").write_text(json.dumps(content), encoding="utf-8")
    _, report = world.check("finds.onnx", "finds.onnx", str(coco), "--policy", "detection")
    found = [each for evidence in report["evidence"] for each in evidence["findings"]]
    [order] = [each for each in found if each["rule"] == "detection.class-order"]
    assert order["severity"] == Severity.LOW
    assert "and would in 100.0% if the data's were renamed" in order["message"]
    assert "what is called 'red' is its 'green'" in order["message"]


@pytest.mark.parametrize("models", [("finds.onnx", "misses.onnx"), ("misses.onnx", "finds.onnx")])
def test_a_detector_that_lost_a_class_is_not_said_to_name_them_otherwise(world: World, models: tuple[str, str]) -> None:
    _, report = world.check(*models, "coco", "--policy", "detection")
    assert "class-order" not in str(report["evidence"])
