from __future__ import annotations

from types import ModuleType

import pytest

from tests.plugins.openvino import tiny_ir


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """Return the small models of tiny_ir.py and what opens them."""
    return tiny_ir
