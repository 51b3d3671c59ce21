"""The canned report, drawn by every reporter, is what the golden files show (conftest tells how to rewrite them)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vetgate_reporters.json_report import JsonReporter
from vetgate_reporters.markdown import MarkdownReporter
from vetgate_reporters.terminal import TerminalReporter

from vetgate.reporting import Reporter, ReportSet

REPORTERS: dict[str, Reporter] = {
    "report.txt": TerminalReporter(width=100),
    "report-80.txt": TerminalReporter(width=80),
    "report.md": MarkdownReporter(),
    "report.json": JsonReporter(),
}


@pytest.mark.parametrize("file", REPORTERS)
def test_the_canned_report_is_drawn_as_the_golden_file_shows(file: str, canned: ReportSet) -> None:
    drawn = REPORTERS[file].render(canned)
    golden = Path(__file__).with_name(file)
    if os.environ.get("VETGATE_REWRITE_GOLDEN"):
        assert isinstance(drawn, str)
        golden.write_text(drawn, encoding="utf-8")
    assert drawn == golden.read_text(encoding="utf-8")


def test_the_golden_json_reads_back_as_the_canned_report(canned: ReportSet) -> None:
    golden = Path(__file__).with_name("report.json")
    assert ReportSet.model_validate_json(golden.read_bytes()) == canned
