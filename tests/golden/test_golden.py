"""The canned reports, drawn by every reporter, are what the golden files show (conftest tells how to rewrite them)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vetgate_reporters.json_report import JsonReporter
from vetgate_reporters.markdown import MarkdownReporter
from vetgate_reporters.terminal import TerminalReporter

from vetgate.reporting import Reporter, ReportSet

REPORTERS: dict[str, Reporter] = {
    ".txt": TerminalReporter(width=100),
    "-80.txt": TerminalReporter(width=80),
    ".md": MarkdownReporter(),
    ".json": JsonReporter(),
}
STEMS = ("report", "stopped", "gallery")


@pytest.mark.parametrize("ending", REPORTERS)
@pytest.mark.parametrize("stem", STEMS)
def test_a_canned_report_is_drawn_as_the_golden_file_shows(
    stem: str, ending: str, canned: dict[str, ReportSet]
) -> None:
    drawn = REPORTERS[ending].render(canned[stem])
    golden = Path(__file__).with_name(f"{stem}{ending}")
    if os.environ.get("VETGATE_REWRITE_GOLDEN"):
        assert isinstance(drawn, str)
        golden.write_text(drawn, encoding="utf-8")
    assert drawn == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("stem", STEMS)
def test_the_golden_json_reads_back_as_the_canned_report(stem: str, canned: dict[str, ReportSet]) -> None:
    golden = Path(__file__).with_name(f"{stem}.json")
    assert ReportSet.model_validate_json(golden.read_bytes()) == canned[stem]
