"""The canned reports as a page are what the golden files show, but for drawings, which change with matplotlib."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from vetgate_html.report import HtmlReporter

from vetgate.reporting import ReportSet

_LEFT_OUT = (
    (re.compile(r"<style>.*?</style>", re.DOTALL), "<style>assets/page.css</style>"),
    (re.compile(r"<script>.*?</script>", re.DOTALL), "<script>assets/page.js</script>"),
    (re.compile(r"'sha256-[^']+'"), "'sha256-of-the-script'"),
    (re.compile(r"<svg .*?</svg>", re.DOTALL), "<svg></svg>"),
)


@pytest.mark.parametrize("stem", ["report", "stopped", "gallery"])
def test_a_canned_report_is_the_page_that_the_golden_file_shows(stem: str, canned: dict[str, ReportSet]) -> None:
    drawn = HtmlReporter().render(canned[stem])
    for pattern, stand_in in _LEFT_OUT:
        drawn = pattern.sub(stand_in, drawn)
    golden = Path(__file__).with_name(f"{stem}.html")
    if os.environ.get("VETGATE_REWRITE_GOLDEN"):
        golden.write_text(drawn, encoding="utf-8")
    assert drawn == golden.read_text(encoding="utf-8")
