"""A saved report, judged again by its own policy, has the verdict of the run that wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vetgate.domain.report import ReportSet

RULES = (
    "metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 95%",
    "metric: accuracy.recall, slice: each label, of: delta, at_least: -60pp, confidence: 95%, otherwise: warn",
    "metric: similarity.agreement, at_least: 90%, confidence: 90%",
    "metric: footprint.size_mb, of: ratio, at_most: 1",
)
RESAMPLED = "metric: accuracy.f1_macro, of: delta, at_least: -2pp, confidence: 95%"
TIMED = "metric: latency.p50, of: ratio, at_most: 50, confidence: 95%"


@pytest.mark.parametrize("sequential", [(), ("--sequential",)], ids=["all images", "early stopping"])
@pytest.mark.parametrize(
    ("noise", "images", "more", "decision"),
    [
        pytest.param(0.0, 2000, (), "pass", id="identical"),
        pytest.param(3.0, 2000, (RESAMPLED,), "fail", id="far worse"),
        pytest.param(0.0, 100, (), "inconclusive", id="too few images"),
        pytest.param(0.02, 1500, (RESAMPLED, TIMED), None, id="a little different"),
    ],
)
def test_a_saved_report_has_the_verdict_of_its_run(
    world: Any, noise: float, images: int, more: tuple[str, ...], decision: str | None, sequential: tuple[str, ...]
) -> None:
    policy, data = world.policy(*RULES, *more), world.data(images=images)
    models = [world.toy("candidate.toy", noise=noise), "--reference", world.toy("ref.toy")]
    code = world.check(*models, "--data", data, "--policy", policy, *sequential)
    written = world.report()
    assert decision in (None, written["verdict"]["decision"]), world.reasons()
    assert (written["stopping"] is None) != bool(sequential)
    judged = world.folder / "judged.json"
    assert world.run("judge", "report.json", "--policy", policy, "--report", f"json={judged}") == code
    again = json.loads(judged.read_text(encoding="utf-8"))["reports"][0]
    assert again["verdict"] == written["verdict"]
    assert again["evidence"] == written["evidence"]
    content = (world.folder / "report.json").read_bytes()
    assert ReportSet.model_validate_json(content) == ReportSet.model_validate_json(
        ReportSet.model_validate_json(content).model_dump_json()
    )
