"""Models that tell what each pixel shows, through the whole gate."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plugins.scene.conftest import IMAGES, World, figures
from tests.plugins.scene.rectangles import (
    CLASSES,
    draw,
)


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
