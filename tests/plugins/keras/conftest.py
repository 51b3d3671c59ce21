from __future__ import annotations

from types import ModuleType

import pytest

from tests.plugins.keras import tiny_keras


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """Return the small models of tiny_keras.py and what opens them."""
    return tiny_keras
