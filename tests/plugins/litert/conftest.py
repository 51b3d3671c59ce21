from __future__ import annotations

from types import ModuleType

import pytest

from tests.plugins.litert import tiny_tflite


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """Return the small models of tiny_tflite.py and what opens them."""
    return tiny_tflite
