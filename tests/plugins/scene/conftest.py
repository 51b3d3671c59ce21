"""One world of coloured rectangles for all tests, and the command line in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plugins.scene.rectangles import (
    detection_output,
    detector,
    draw,
    segmentation_output,
    segmenter,
    write_card,
    write_coco,
    write_masks,
)
from vetgate.cli.app import run

IMAGES = 24


@dataclass
class World:
    """A folder with data and models."""

    folder: Path

    def policy(self, *rules: dict[str, Any]) -> str:
        """Write a policy of rules and return its path."""
        path = self.folder / "policy.yaml"
        path.write_text(yaml.safe_dump({"version": 1, "name": "own", "metrics": list(rules)}), encoding="utf-8")
        return str(path)

    def check(self, candidate: str, reference: str, data: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Return the exit code of a check and its report; {} where there is none."""
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        paths = [str(self.folder / name) for name in (candidate, reference, data)]
        code = run(
            ["check", paths[0], "--reference", paths[1], "--data", paths[2], "--report", f"json={report}", *arguments]
        )
        return code, json.loads(report.read_text(encoding="utf-8"))["reports"][0] if report.is_file() else {}


def figures(report: dict[str, Any], metric: str, role: str) -> list[dict[str, Any]]:
    """Return the figures of one metric and role."""
    found = [figure for evidence in report["evidence"] for figure in evidence["measurements"]]
    return [figure for figure in found if figure["metric"] == metric and figure["role"] == role]


@pytest.fixture(scope="session")
def rectangles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets and models."""
    folder = tmp_path_factory.mktemp("rectangles")
    drawn = draw(IMAGES)
    write_masks(folder / "masks", drawn)
    for name, blind in (("sees", False), ("blind", True)):
        write_card(segmenter(folder / f"{name}.onnx", blind=blind), segmentation_output())
    write_coco(folder / "coco", drawn)
    for name, blue in (("finds", 1.6), ("misses", 0.3)):
        write_card(detector(folder / f"{name}.onnx", blue=blue), detection_output())
    return folder


@pytest.fixture
def world(rectangles: Path) -> World:
    return World(rectangles)
