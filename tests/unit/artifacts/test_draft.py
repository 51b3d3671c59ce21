"""A draft says what the file shows and asks for the rest; nobody reads a draft as a card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vetgate.artifacts import draft_card, find_card
from vetgate.domain.errors import CardError
from vetgate.domain.structure import Port, Structure


def _structure(*shape: int | None, outputs: tuple[str, ...] = ("logits",)) -> Structure:
    return Structure(
        inputs=(Port(name="image", shape=shape, dtype="float32"),),
        outputs=tuple(Port(name=name, shape=(None, 10), dtype="float32") for name in outputs),
        tensors=(),
        operators=(),
    )


@pytest.mark.parametrize(
    ("shape", "lines"),
    [
        ((1, 3, 32, 24), ["size: [32, 24]", "layout: NCHW", "colour: FILL-IN"]),
        ((None, 32, 24, 1), ["size: [32, 24]", "layout: NHWC", "colour: grey"]),
        ((1, 3, None, None), ["size: FILL-IN", "layout: NCHW"]),
        ((1, 3, 32, 3), ["size: FILL-IN", "layout: FILL-IN"]),
        ((1, 784), ["size: FILL-IN", "layout: FILL-IN"]),
    ],
)
def test_only_what_a_shape_tells_without_doubt_is_filled_in(
    tmp_path: Path, shape: tuple[int | None, ...], lines: list[str]
) -> None:
    draft = draft_card(_structure(*shape), str(tmp_path / "m.onnx"))
    assert all(f"  {line}" in draft for line in lines), draft


def test_a_draft_is_refused_until_it_is_filled_in(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    Path(f"{model}.yaml").write_text(draft_card(_structure(1, 3, 32, 32), str(model)), encoding="utf-8")
    with pytest.raises(CardError, match="FILL-IN"):
        find_card(str(model), None, None)


def test_a_filled_in_draft_is_a_card(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    draft = draft_card(_structure(1, 3, 32, 32), str(model))
    for key, value in {"resize": "none", "colour": "rgb", "scale": "1/255", "mean": "[0]", "std": "[1]"}.items():
        draft = draft.replace(f"  {key}: FILL-IN", f"  {key}: {value}")
    Path(f"{model}.yaml").write_text(draft.replace("kind: FILL-IN", "kind: logits"), encoding="utf-8")
    found = find_card(str(model), None, None)
    assert found is not None
    assert found.card.input.size == (32, 32)


def test_output_names_of_an_untrusted_file_stay_in_their_comment(tmp_path: Path) -> None:
    draft = draft_card(_structure(1, 3, 8, 8, outputs=("a", "b\n  kind: logits")), str(tmp_path / "m.onnx"))
    assert sum(line.strip() == "kind: logits" for line in draft.splitlines()) == 0


def test_what_a_hugging_face_folder_says_is_filled_in(tmp_path: Path) -> None:
    config = {"crop_pct": 0.9, "image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config), encoding="utf-8")
    draft = draft_card(_structure(1, 3, 8, 8), str(tmp_path / "m.onnx"))
    assert "  mean: [0.1, 0.2, 0.3]" in draft
    assert "  resize: FILL-IN" in draft
