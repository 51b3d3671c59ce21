"""Code that a file of weights needs is pinned, or its answers are not kept."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from vetgate.gate.code import pin_code


def test_an_edit_of_the_code_or_of_what_stands_beside_it_is_seen(tmp_path: Path) -> None:
    code = tmp_path / "net.py"
    code.write_text("from blocks import block\n", encoding="utf-8")
    (tmp_path / "blocks.py").write_text("block = 1\n", encoding="utf-8")
    first = pin_code(f"{code}:make")
    assert first is not None
    assert pin_code(f"{code}:make") == first
    (tmp_path / "blocks.py").write_text("block = 2\n", encoding="utf-8")
    assert pin_code(f"{code}:make") != first


def test_a_library_is_pinned_by_its_version() -> None:
    assert pin_code("numpy/anything") == importlib.metadata.version("numpy")


def test_what_nothing_pins_is_not_kept() -> None:
    assert pin_code("package.module:make") is None
    assert pin_code("nosuchlibrary/net") is None


def test_a_model_without_code_of_its_own_is_kept() -> None:
    assert pin_code(None) is not None
