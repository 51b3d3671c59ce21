from __future__ import annotations

from types import ModuleType

import pytest

from tests.plugins.ncnn import tiny_ncnn


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """Return the small models of tiny_ncnn.py and what opens them."""
    return tiny_ncnn
