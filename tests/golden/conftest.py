"""The canned reports, for the golden files.

After a change of the reports that is meant, rewrite the files and read their difference before committing it:

    VETGATE_REWRITE_GOLDEN=1 pytest tests/golden
"""

from __future__ import annotations

import pytest

from tests.golden import canned_explanation, canned_gallery, canned_report, canned_stopped
from vetgate.reporting import ReportSet


@pytest.fixture(scope="session")
def explanations() -> ReportSet:
    """Return the canned explanations."""
    return canned_explanation.canned()


@pytest.fixture(scope="session")
def canned() -> dict[str, ReportSet]:
    """Return the canned report sets by the stem of their golden files."""
    return {
        "report": canned_report.canned(),
        "stopped": canned_stopped.canned(),
        "gallery": canned_gallery.canned(),
    }
