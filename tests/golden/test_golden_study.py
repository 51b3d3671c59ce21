"""The canned study in its three drawings is what the golden files show (conftest tells how to rewrite them)."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest
from vetgate_charts.study_json import StudyJson
from vetgate_charts.study_markdown import StudyMarkdown
from vetgate_charts.study_terminal import StudyTable

from vetgate.reporting import Drawing, Study

DRAWINGS: dict[str, Drawing[Study]] = {
    ".txt": StudyTable(width=140),
    "-80.txt": StudyTable(width=80),
    ".md": StudyMarkdown(),
    ".json": StudyJson(),
}


@pytest.mark.parametrize("ending", DRAWINGS)
def test_the_canned_study_is_drawn_as_the_golden_file_shows(ending: str, studies: ModuleType) -> None:
    drawn = DRAWINGS[ending].draw(studies.canned())
    golden = Path(__file__).with_name(f"study{ending}")
    if os.environ.get("VETGATE_REWRITE_GOLDEN"):
        assert isinstance(drawn, str)
        golden.write_text(drawn, encoding="utf-8")
    assert drawn == golden.read_text(encoding="utf-8")


def test_the_golden_json_reads_back_as_the_canned_study(studies: ModuleType) -> None:
    golden = Path(__file__).with_name("study.json")
    assert Study.model_validate_json(golden.read_bytes()) == studies.canned()
