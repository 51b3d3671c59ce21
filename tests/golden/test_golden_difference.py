"""The canned difference, drawn in every format, is what the golden files show (conftest tells how to rewrite them)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from vetgate_reporters.diff_json import DiffJson
from vetgate_reporters.diff_markdown import LONGEST, DiffMarkdown
from vetgate_reporters.diff_terminal import DiffText

from tests.golden import canned_difference
from vetgate.host import find_plugins
from vetgate.reporting import Difference, Drawing, Reading, ReportSet

DRAWINGS: dict[str, Drawing[Difference]] = {
    ".txt": DiffText(100),
    "-80.txt": DiffText(80),
    ".md": DiffMarkdown(),
    ".json": DiffJson(),
}


@pytest.fixture(scope="module")
def difference(canned: dict[str, ReportSet]) -> Difference:
    """Return the canned difference."""
    return canned_difference.canned(canned["report"], find_plugins().checks())


def _page() -> Drawing[Difference]:
    pytest.importorskip("jinja2")
    from vetgate_html.difference import DiffPage

    return DiffPage()


def _compare(drawn: str | bytes, golden: Path) -> None:
    assert isinstance(drawn, str)
    if os.environ.get("VETGATE_REWRITE_GOLDEN"):
        golden.write_text(drawn, encoding="utf-8")
    assert drawn == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", DRAWINGS)
def test_a_difference_is_drawn_as_the_golden_file_shows(ending: str, difference: Difference) -> None:
    _compare(DRAWINGS[ending].draw(difference), Path(__file__).with_name(f"difference{ending}"))


def test_the_page_holds_what_the_golden_file_shows(difference: Difference) -> None:
    """Its styles and its script are another's, and the same on every page."""
    page = _page().draw(difference)
    assert isinstance(page, str)
    _compare(page[page.index("<main") :], Path(__file__).with_name("difference.html"))


def test_a_difference_reads_back_from_json_as_it_was(difference: Difference) -> None:
    assert Difference.model_validate_json(DiffJson().draw(difference)) == difference


def test_what_a_stranger_wrote_is_harmless_in_every_format(difference: Difference) -> None:
    for drawing in (DiffText(100), DiffText(80, colour=True), DiffMarkdown(), _page()):
        drawn = drawing.draw(difference)
        assert isinstance(drawn, str)
        assert "\x1b[31mrain" not in drawn
        assert "\u202e" not in drawn
        if not isinstance(drawing, DiffText):
            assert "<script>alert" not in drawn


def test_colours_only_repeat_what_words_say(difference: Difference) -> None:
    coloured = DiffText(100).styled(100, colour=True).draw(difference)
    bare = "\n".join(re.sub("\x1b\\[[0-9;]*m", "", line).rstrip() for line in coloured.splitlines())
    assert bare == DiffText(100).draw(difference).rstrip("\n")


def test_a_difference_of_thousands_of_figures_and_rules_stays_within_its_limits(difference: Difference) -> None:
    (candidate,) = difference.candidates
    many = candidate.model_copy(
        update={
            "figures": candidate.figures * 20,
            "rules": tuple(
                rule.model_copy(update={"rule": f"{rule.rule} {number}"})
                for number in range(300)
                for rule in candidate.rules
            ),
            "facts": candidate.facts * 100,
            "findings": candidate.findings * 100,
        }
    )
    large = difference.model_copy(update={"candidates": (many,) * 10})
    assert len(DiffMarkdown().draw(large)) <= LONGEST
    assert len(_page().draw(large)) < 5_000_000
    assert len(_page().draw(large.model_copy(update={"candidates": (many,)}))) < 5_000_000
    text = DiffText(100).draw(large.model_copy(update={"candidates": (many,)}))
    assert "more; all stand in the JSON report" in text
    assert len(text.splitlines()) < 2000


def test_the_page_leads_with_what_the_comparison_came_to(difference: Difference) -> None:
    page = _page()
    same = difference.model_copy(
        update={
            "candidates": tuple(
                each.model_copy(update={"same": True, "figures": (), "rules": ()}) for each in difference.candidates
            )
        }
    )
    apart = difference.model_copy(update={"candidates": ()})
    calm = difference.model_copy(
        update={
            "candidates": tuple(
                each.model_copy(
                    update={
                        "rules": (),
                        "figures": tuple(f for f in each.figures if f.reading not in (Reading.WORSE, Reading.BETTER)),
                    }
                )
                for each in difference.candidates
            )
        }
    )
    for document, leading in (
        (difference, "WORSE"),
        (same, "NO CHANGE"),
        (apart, "NOT COMPARABLE"),
        (calm, "NO CLEAR CHANGE"),
    ):
        drawn = page.draw(document)
        assert isinstance(drawn, str)
        assert re.search(rf"</span> {leading}</span>", drawn)
