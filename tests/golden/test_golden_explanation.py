"""The canned explanations in their two drawings are what the golden files show (conftest tells how to rewrite them)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vetgate_reporters.explanation import ExplanationReporter
from vetgate_reporters.explanation_markdown import ExplanationMarkdownReporter

from vetgate.reporting import Reporter, ReportSet

REPORTERS: dict[str, Reporter] = {
    ".txt": ExplanationReporter(width=100),
    "-80.txt": ExplanationReporter(width=80),
    ".md": ExplanationMarkdownReporter(),
}


@pytest.mark.parametrize("ending", REPORTERS)
def test_the_canned_explanations_are_drawn_as_the_golden_file_shows(ending: str, explanations: ReportSet) -> None:
    drawn = REPORTERS[ending].render(explanations)
    golden = Path(__file__).with_name(f"explanation{ending}")
    if os.environ.get("VETGATE_REWRITE_GOLDEN"):
        assert isinstance(drawn, str)
        golden.write_text(drawn, encoding="utf-8")
    assert drawn == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", REPORTERS)
def test_an_explanation_judges_nothing_and_says_what_was_not_explained(ending: str, explanations: ReportSet) -> None:
    drawn = str(REPORTERS[ending].render(explanations))
    assert "NOT EXPLAINED" in drawn
    assert "made no progress" in drawn
    assert "INCONCLUSIVE" not in drawn.upper()
    assert all(len(line) <= 100 for line in drawn.splitlines()) or ending == ".md"
