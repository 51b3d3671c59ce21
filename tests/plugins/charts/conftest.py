"""The reports that rankings are drawn of."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.plugins.charts import measured as scored


@pytest.fixture(scope="session")
def measured() -> ModuleType:
    """Return the module that makes reports."""
    return scored
