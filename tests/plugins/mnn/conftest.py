from __future__ import annotations

from types import ModuleType

import pytest

from tests.plugins.mnn import tiny_mnn


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """Return the small models of tiny_mnn.py and what opens them."""
    return tiny_mnn
