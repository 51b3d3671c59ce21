"""The canned report, for the golden files.

After a change of the reports that is meant, rewrite the files and read their difference before committing it:

    VETGATE_REWRITE_GOLDEN=1 pytest tests/golden
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from vetgate.reporting import ReportSet


@pytest.fixture(scope="session")
def canned() -> ReportSet:
    """Return the canned report set; test folders are no packages, so it is loaded by its place."""
    place = Path(__file__).with_name("canned_report.py")
    spec = importlib.util.spec_from_file_location("vetgate_canned_report", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reports: ReportSet = module.canned()
    return reports
