from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest

from tests.plugins.onnx import tiny_onnx


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """Return the small models of tiny_onnx.py and what opens them."""
    return tiny_onnx


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def _save(model: Any, name: str = "model.onnx", **options: Any) -> Path:
        path = tmp_path / name
        onnx.save(model, str(path), **options)
        return path

    return _save
