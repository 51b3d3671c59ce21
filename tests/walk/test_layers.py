"""`--layers` and rules on inner tensors, from the command line to the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FASHION = Path(__file__).parent.parent.parent / "examples" / "fashion"
RULE = "metric: similarity.layer_snr, at_least: 20 dB, confidence: 95%"


def test_a_format_without_inner_tensors_is_named_and_never_passes(world: Any) -> None:
    arguments = [world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data()]
    assert world.check(*arguments, "--policy", world.policy(RULE)) == 3
    assert (
        "backend 'acme', which opens acme files, shows no inner tensors, so layers cannot be compared"
        in world.reasons()
    )


def test_nothing_is_read_where_nobody_asks(world: Any) -> None:
    arguments = [world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data()]
    policy = world.policy("metric: similarity.agreement, at_least: 90%")
    assert world.check(*arguments, "--policy", policy) == 0
    assert "layers" not in {evidence["check"] for evidence in world.report()["evidence"]}


def test_inner_tensors_are_compared_also_where_the_build_that_is_timed_is_refused(world: Any) -> None:
    stranger = world.toy("stranger.toy", noise=-9.0)
    arguments = [world.toy("same.toy"), "--reference", world.toy("ref.toy"), "--data", world.data()]
    policy = world.policy(RULE, "metric: latency.p50, of: ratio, at_most: 100")
    assert world.check(*arguments, "--policy", policy, "--latency-reference", stranger) == 3
    found = {evidence["check"]: evidence["reason"] for evidence in world.report()["evidence"]}
    assert "so it is no build of it and was not timed" in found["latency"]
    assert "shows no inner tensors, so layers cannot be compared" in found["layers"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Vet candidates of the example with --layers, another build being timed in place of the reference."""
    for library in ("torch", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(library)
    from vetgate.cli.app import run

    folder = tmp_path_factory.mktemp("layers")
    (folder / "layers.yaml").write_text(
        f"version: 1\nname: layers\nmetrics:\n  - {{{RULE}}}\n"
        "  - {metric: similarity.feature_cka, at_least: 95%, confidence: 95%}\n"
        "  - {metric: latency.p50, of: ratio, at_most: 100}\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.chdir(FASHION)
        given = ["--reference", "reference.pt", "--latency-reference", "float16.onnx", "--limit", "300"]
        given += ["--timing-budget", "2", "--policy", str(folder / "layers.yaml"), "--layers"]
        run(["check", "int8.onnx", "int8.tflite", *given, "--report", f"json={folder / 'report.json'}"])
    saved = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {report["candidate"]["name"]: report for report in saved["reports"]}


def test_inner_tensors_are_held_against_the_reference_also_where_another_build_is_timed(
    reports: dict[str, dict[str, Any]],
) -> None:
    for report in reports.values():
        assert report["timed_reference"]["name"] == "float16.onnx"
        found = next(evidence for evidence in report["evidence"] if evidence["check"] == "layers")
        assert found["outcome"] == "measured", found["reason"]
        table = next(table for table in found["exhibits"] if table["title"] == "Inner tensors, worst first")
        assert len(table["rows"]) == 14
        # names of modules, which only the PyTorch file has
        at = table["columns"].index("reference")
        assert "classifier/linear" in {row[at] for row in table["rows"]}


def test_the_int8_model_that_clips_its_output_fails_where_the_other_passes(
    reports: dict[str, dict[str, Any]],
) -> None:
    decisions = {
        name: {ruling["rule"]: ruling["decision"] for ruling in report["verdict"]["rulings"]}
        for name, report in reports.items()
    }
    assert decisions["int8.onnx"]["similarity.layer_snr"] == "pass"
    assert decisions["int8.tflite"]["similarity.layer_snr"] == "fail"
    assert decisions["int8.onnx"]["similarity.feature_cka"] == "pass"
