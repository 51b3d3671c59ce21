"""Early stopping on the example's real models: how many images each worker was sent, by its own count."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

FASHION = Path(__file__).parent.parent.parent / "examples" / "fashion"
POLICY = """\
version: 1
name: one-point
metrics:
  - {metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 95%}
"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Vet a copy, an int8 model and a broken one with early stopping, from an empty cache; reports by candidate."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    from vetgate.cli.app import run

    folder = tmp_path_factory.mktemp("sequential")
    copy, policy = folder / "copy.pt", folder / "policy.yaml"
    torch.save(torch.load(FASHION / "reference.pt", weights_only=True), copy)
    shutil.copy(FASHION / "reference.pt.yaml", f"{copy}.yaml")
    policy.write_text(POLICY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.chdir(FASHION)
        candidates = ["pruned95.onnx", str(copy), "int8.onnx"]
        options = ["--reference", "reference.pt", "--policy", str(policy), "--sequential"]
        assert run(["check", *candidates, *options, "--report", f"json={folder / 'report.json'}"]) == 1
    saved = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {Path(report["candidate"]["name"]).name: report for report in saved["reports"]}


@pytest.mark.parametrize(
    ("name", "decision", "most"),
    [("copy.pt", "pass", 600), ("int8.onnx", "pass", 2500), ("pruned95.onnx", "fail", 400)],
)
def test_workers_are_sent_a_few_hundred_of_ten_thousand_images(
    reports: dict[str, dict[str, Any]], name: str, decision: str, most: int
) -> None:
    report = reports[name]
    assert report["verdict"]["decision"] == decision
    assert report["stopping"]["available"] == 10_000
    assert report["candidate"]["answered"] == report["stopping"]["images"] <= most
    assert report["candidate"]["sha256"] != report["reference"]["sha256"]


def test_the_reference_is_sent_each_image_once_for_all_candidates(reports: dict[str, dict[str, Any]]) -> None:
    used = [report["stopping"]["images"] for report in reports.values()]
    assert [report["reference"]["answered"] for report in reports.values()] == [
        max(used[: count + 1]) for count in range(len(used))
    ]
