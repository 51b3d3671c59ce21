from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """Return the small models of tiny_onnx.py and what opens them."""
    spec = importlib.util.spec_from_file_location("tiny_onnx", Path(__file__).with_name("tiny_onnx.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def _save(model: Any, name: str = "model.onnx", **options: Any) -> Path:
        path = tmp_path / name
        onnx.save(model, str(path), **options)
        return path

    return _save
