"""The canned reports, for the golden files.

After a change of the reports that is meant, rewrite the files and read their difference before committing it:

    VETGATE_REWRITE_GOLDEN=1 pytest tests/golden
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from vetgate.reporting import ReportSet


def _loaded(file: str) -> ReportSet:
    """Return a canned report set; test folders are no packages, so it is loaded by its place."""
    place = Path(__file__).with_name(file)
    spec = importlib.util.spec_from_file_location(f"vetgate_{place.stem}", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reports: ReportSet = module.canned()
    return reports


@pytest.fixture(scope="session")
def explanations() -> ReportSet:
    """Return the canned explanations."""
    return _loaded("canned_explanation.py")


@pytest.fixture(scope="session")
def canned() -> dict[str, ReportSet]:
    """Return the canned report sets by the stem of their golden files: a full run, and one that stopped early."""
    return {"report": _loaded("canned_report.py"), "stopped": _loaded("canned_stopped.py")}
