"""The reports that rankings are drawn of."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def measured() -> ModuleType:
    """Return the module that makes reports; test folders are no packages, so it is loaded by its place."""
    place = Path(__file__).with_name("measured.py")
    spec = importlib.util.spec_from_file_location("vetgate_measured", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
