"""Odd models through the whole program, and mistakes that are made with them: named with figures, never applied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vetgate_contract.pixels import input_doubts

from tests.plugins.litert import tiny_tflite
from tests.plugins.odd import network, onnx_models, tflite_models
from tests.plugins.onnx import tiny_onnx
from vetgate.api import Card, Finding, Subject
from vetgate.cli.app import run

IMAGES = 120
CARD = """\
version: 1
input: {{size: [8, 8], resize: none, colour: rgb, scale: {scale}, mean: [0], std: [1], layout: {layout}}}
output: {{kind: {kind}}}
"""
RULES = """\
version: 1
name: odd
scan: required
metrics:
  - {metric: similarity.agreement, at_least: 80%}
  - {metric: footprint.params, of: ratio, at_most: 1}
  - {metric: footprint.macs, of: ratio, at_most: 1}
"""


class Reports:
    """What one run of the program said of every candidate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[str] = []
        self._told: dict[str, Any] = {}

    def put(self, name: str, data: bytes, *, scale: str = "1/255", layout: str = "NCHW", kind: str = "logits") -> str:
        """Write a model and its card; return its path."""
        path = self._folder / name
        path.write_bytes(data)
        text = CARD.format(scale=scale, layout=layout, kind=kind)
        Path(f"{path}.yaml").write_text(text, encoding="utf-8")
        return str(path)

    def add(self, name: str, data: bytes, **card: str) -> None:
        """Add a candidate."""
        self._files.append(self.put(name, data, **card))

    def run(self, reference: str, data: str, policy: str) -> None:
        """Vet them all."""
        out = self._folder / "report.json"
        told = ["--reference", reference, "--data", data, "--policy", policy, "--report", f"json={out}"]
        assert run(["check", *self._files, *told]) == 1
        for name, report in zip(self._files, json.loads(out.read_text(encoding="utf-8"))["reports"], strict=True):
            self._told[Path(name).name] = report

    def decision(self, name: str) -> str:
        """Return the verdict."""
        return str(self._told[name]["verdict"]["decision"])

    def reasons(self, name: str) -> str:
        """Return why checks did not measure."""
        return "\n".join(evidence["reason"] for evidence in self._told[name]["evidence"])

    def finding(self, name: str, rule: str) -> dict[str, Any]:
        """Return the one finding of a rule."""
        (found,) = (one for each in self._told[name]["evidence"] for one in each["findings"] if one["rule"] == rule)
        return dict(found)

    def execution(self, name: str) -> str:
        """Return the precision that ran."""
        return str(self._told[name]["candidate"]["execution"]["precision"])


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    folder = tmp_path_factory.mktemp("odd")
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    patch.setenv("XDG_DATA_HOME", str(folder / "keys"))
    made, order = Reports(folder), np.arange(network.CLASSES)
    pixels = network.pixels(IMAGES)
    np.savez(folder / "data.npz", images=pixels, labels=network.logits(pixels / 255).argmax(axis=1))
    (folder / "policy.yaml").write_text(RULES, encoding="utf-8")
    made.add("background.onnx", onnx_models.reordered(order, before=1))
    made.add("rest.onnx", onnx_models.reordered(order, after=1))
    made.add("shifted.onnx", onnx_models.reordered(np.roll(order, 1)))
    made.add("twice.onnx", onnx_models.float_scaling())
    made.add("softmax.onnx", onnx_models.soft(twice=True), kind="probabilities")
    made.add("shares.tflite", tflite_models.integer(softmax=True, ports="uint8"), layout="NHWC")
    made.add("small.tflite", tflite_models.integer("int16", weight="int4"), layout="NHWC")
    made.add("fixed.onnx", onnx_models.plain(batch=256))
    reference = made.put("reference.onnx", onnx_models.plain(height="H", width="W"))
    made.run(reference, str(folder / "data.npz"), str(folder / "policy.yaml"))
    patch.undo()
    return made


def test_odd_models_that_are_right_pass_scan_counts_and_agreement(reports: Reports) -> None:
    assert reports.decision("small.tflite") == "pass"
    assert reports.execution("small.tflite") == "int16 by int4"
    assert reports.decision("fixed.onnx") == "pass"  # with fewer images than its batch


def test_a_background_class_is_named_with_the_agreement_that_shows_it(reports: Reports) -> None:
    assert reports.decision("background.onnx") == "fail"
    assert "output.offset: 1 in its card" in reports.finding("background.onnx", "contract.classes")["advice"]
    found = reports.finding("background.onnx", "offset.found")
    assert found["message"].startswith("of 64 images, both models name the same class on ")
    assert found["message"].endswith("64 if the first output is skipped")
    assert "write `output: {offset: 1}` in the card" in found["advice"]
    assert "nothing was applied" in found["advice"]


def test_a_background_class_at_the_end_is_told_apart(reports: Reports) -> None:
    found = reports.finding("rest.onnx", "offset.found")
    assert "64 if no output is skipped" in found["message"]
    assert "a card cannot skip" in found["advice"]


def test_classes_that_stand_one_apart_are_named_beside_reference_and_labels(reports: Reports) -> None:
    assert reports.decision("shifted.onnx") == "fail"
    found = reports.finding("shifted.onnx", "similarity.class-order")
    assert "if its classes were counted one lower; nothing was changed" in found["message"]
    assert "raise output.offset by 1 in its card" in found["advice"]


def test_pixels_that_are_scaled_twice_are_named(reports: Reports) -> None:
    found = reports.finding("twice.onnx", "contract.scaled-twice")
    assert "scales its input itself (Mul, by 0.003922)" in found["message"]
    assert "scale: 1, mean: [0], std: [1]" in found["advice"]


def test_a_second_softmax_is_named(reports: Reports) -> None:
    assert "at most e = 2.718" in reports.finding("softmax.onnx", "similarity.second-softmax")["message"]


def test_quantised_probabilities_that_a_card_calls_logits_are_refused(reports: Reports) -> None:
    assert reports.decision("shares.tflite") == "inconclusive"
    assert "says logits, but every answer is a probability vector" in reports.reasons("shares.tflite")
    assert "set output.kind: probabilities" in reports.reasons("shares.tflite")


def _doubts(path: Path, card: Card, kind: Any) -> list[Finding]:
    structure, artifact = kind.describe(path, card), kind.make_artifact(path)
    return list(input_doubts(Subject(artifact=artifact, card=card, structure=structure, members={})))


def test_pixels_that_a_quantised_input_clips_or_hardly_sees_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_models.integer(ports="uint8"))  # holds 0 to 1
    assert not _doubts(path, tiny_tflite.make_card(), tiny_tflite)
    (clipped,) = _doubts(path, tiny_tflite.make_card(scale=1), tiny_tflite)
    assert clipped.rule == "contract.input-range"
    assert "% of them are clipped" in clipped.message
    (narrow,) = _doubts(path, tiny_tflite.make_card(scale=1 / 255**2), tiny_tflite)
    assert "they use 0.39% of it" in narrow.message


@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_own_scaling_is_no_doubt_where_the_card_leaves_it_to_the_model(scale: float, tmp_path: Path) -> None:
    for kind, data in ((tiny_onnx, onnx_models.float_scaling()), (tiny_tflite, tflite_models.floating(before="scale"))):
        path = tmp_path / "model"
        path.write_bytes(data)
        assert bool(_doubts(path, kind.make_card(scale=scale), kind)) == (scale != 1)
