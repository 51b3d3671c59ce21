"""`--card [CANDIDATE=]FILE`, also where paths hold an equals sign."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from vetgate.cli.option import read_cards


def test_a_card_alone_is_for_every_candidate() -> None:
    assert read_cards(("a.onnx", "b.onnx"), ("any.yaml",)) == ("any.yaml", {})


def test_a_card_with_a_candidate_is_for_that_one() -> None:
    assert read_cards(("a.onnx", "b.onnx"), ("b.onnx=b.yaml", "any.yaml")) == ("any.yaml", {"b.onnx": "b.yaml"})


def test_a_candidate_whose_name_holds_an_equals_sign_is_known() -> None:
    candidates = ("lr=0.1 é.onnx", "lr")
    assert read_cards(candidates, ("lr=0.1 é.onnx=x=y.yaml",)) == (None, {"lr=0.1 é.onnx": "x=y.yaml"})


def test_a_card_file_whose_name_holds_an_equals_sign_is_taken_if_it_exists(tmp_path: Path) -> None:
    (tmp_path / "lr=0.1.yaml").touch()
    assert read_cards(("a.onnx",), (f"{tmp_path}/lr=0.1.yaml",)) == (f"{tmp_path}/lr=0.1.yaml", {})


def test_a_card_for_a_model_that_is_not_vetted_is_a_usage_error() -> None:
    with pytest.raises(click.UsageError, match=r"c\.onnx is no candidate"):
        read_cards(("a.onnx",), ("c.onnx=c.yaml",))
