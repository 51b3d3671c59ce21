from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """Return the small models of tiny_tflite.py and what opens them."""
    spec = importlib.util.spec_from_file_location("tiny_tflite", Path(__file__).with_name("tiny_tflite.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
