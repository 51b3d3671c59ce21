"""Models that tell what each pixel shows, through the whole gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.plugins.scene.conftest import IMAGES, World, figures
from tests.plugins.scene.rectangles import (
    CLASSES,
    draw,
    write_masks,
)
from vetgate.api import Severity


def _miou(found: list[np.ndarray], truth: list[np.ndarray]) -> float:
    """Return mean intersection over union, counted pixel by pixel."""
    overlaps = []
    for kind in range(len(CLASSES)):
        both = sum(int(((one == kind) & (other == kind)).sum()) for one, other in zip(found, truth, strict=True))
        either = sum(int(((one == kind) | (other == kind)).sum()) for one, other in zip(found, truth, strict=True))
        overlaps.append(both / either)
    return float(np.mean(overlaps))


def test_a_network_that_lost_a_class_fails_and_its_figures_are_those_counted_by_hand(world: World) -> None:
    code, report = world.check("blind.onnx", "sees.onnx", "masks", "--policy", "segmentation")
    assert code == 1
    truth = [each.mask for each in draw(IMAGES)]
    blind = [np.where(mask == 3, 0, mask) for mask in truth]
    [own] = figures(report, "segmentation.miou", "candidate")
    [base] = figures(report, "segmentation.miou", "reference")
    [lost] = figures(report, "segmentation.miou", "delta")
    assert base["value"] == _miou(truth, truth) == 1
    assert own["value"] == pytest.approx(_miou(blind, truth), abs=1e-12)
    assert lost["value"] == pytest.approx(own["value"] - 1, abs=1e-12)
    [alike] = figures(report, "segmentation.agreement", "pair")
    assert alike["value"] == pytest.approx(
        np.mean([(one == other).mean() for one, other in zip(blind, truth, strict=True)])
    )
    [blue] = [each for each in figures(report, "segmentation.iou", "candidate") if each["slice"]["value"] == "blue"]
    assert blue["value"] == 0
    failed = {ruling["rule"] for ruling in report["verdict"]["rulings"] if ruling["decision"] == "fail"}
    assert "segmentation.miou/delta" in failed


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (("nothing", "blue", "red", "green"), "what is called"),
        (("blue", "nothing", "red", "green"), "if its classes were counted one"),
        (sorted(CLASSES), "sorted by their names"),
    ],
)
def test_names_of_masks_in_another_order_are_told_and_change_nothing(
    world: World, tmp_path: Path, listed: tuple[str, ...], told: str
) -> None:
    masks = write_masks(tmp_path / "masks", draw(IMAGES))
    (masks / "classes.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    code, report = world.check("sees.onnx", "sees.onnx", str(masks), "--policy", "segmentation")
    assert code != 1
    found = [each for evidence in report["evidence"] for each in evidence["findings"]]
    orders = [each for each in found if each["rule"] == "segmentation.class-order"]
    assert orders
    for each in orders:
        assert each["severity"] == Severity.LOW
        assert told in each["message"]
        assert "and would in 100.0%" in each["message"] or "counted one" in told
        assert "compare classes.txt" in each["advice"]


def test_a_network_that_lost_a_class_is_not_said_to_name_them_otherwise(world: World) -> None:
    for models in (("sees.onnx", "blind.onnx"), ("blind.onnx", "sees.onnx")):
        _, report = world.check(*models, "masks", "--policy", "segmentation")
        assert "class-order" not in str(report["evidence"])
