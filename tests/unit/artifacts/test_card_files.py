"""What a card was read from is known byte for byte, for signed verdicts bind it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from vetgate.artifacts import find_card

CARD = """\
version: 1
input: {size: [4, 4], resize: none, colour: grey, scale: 1/255, mean: [0.5], std: [0.25], layout: NCHW}
output: {kind: logits}
"""
PROCESSOR = {
    "do_resize": False,
    "size": {"height": 4, "width": 4},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_file_beside_a_model_is_known_with_its_spelling(tmp_path: Path) -> None:
    card = tmp_path / "m.onnx.yaml"
    card.write_text(CARD, encoding="utf-8")
    first = find_card(str(tmp_path / "m.onnx"), None, None)
    card.write_text(CARD + "# a remark\n", encoding="utf-8")
    second = find_card(str(tmp_path / "m.onnx"), None, None)
    assert first is not None
    assert second is not None
    assert first.sha256 == second.sha256
    assert first.files[0].sha256 != second.files[0].sha256 == digest(card)


def test_a_card_inside_the_model_has_no_file(tmp_path: Path) -> None:
    found = find_card(str(tmp_path / "m.onnx"), None, {"vetgate.card": CARD})
    assert found is not None
    assert found.files == ()


def test_a_hub_folder_makes_a_card_of_two_files(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR), encoding="utf-8")
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["XForImageClassification"]}), encoding="utf-8")
    found = find_card(str(tmp_path / "m.onnx"), None, None)
    assert found is not None
    names = [Path(member.name).name for member in found.files]
    assert names == ["preprocessor_config.json", "config.json"]
    assert [member.sha256 for member in found.files] == [digest(tmp_path / name) for name in names]
