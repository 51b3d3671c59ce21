"""The page in a real browser: nothing fails, nothing is fetched, charts are drawn, and every control works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from vetgate_html.difference import DiffPage
from vetgate_html.report import HtmlReporter

from tests.golden import canned_difference
from vetgate.host import find_plugins
from vetgate.reporting import ReportSet

NAMES = ("report", "several", "hostile")
ALL = (*NAMES, "difference")
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def reports(illustrated: ReportSet, canned: ReportSet, stopped: ReportSet, poisoned: ReportSet) -> dict[str, ReportSet]:
    several = ReportSet(reports=(*stopped.reports, *canned.reports))
    return {"report": illustrated, "several": several, "hostile": poisoned}


def difference(canned: ReportSet) -> str:
    """Return the page of `vetgate diff`."""
    return DiffPage().draw(canned_difference.canned(canned, find_plugins().checks()))


@pytest.fixture(scope="module")
def seen(
    look: Callable[[Callable[[], Mapping[str, str]]], dict[str, Any]],
    reports: dict[str, ReportSet],
    canned: ReportSet,
) -> dict[str, Any]:
    def drawn() -> dict[str, str]:
        pages = {name: HtmlReporter().render(shown) for name, shown in reports.items()}
        return {**pages, "difference": difference(canned)}

    return look(drawn)


@pytest.mark.parametrize("name", ALL)
def test_the_browser_has_nothing_to_complain_of(name: str, seen: dict[str, Any]) -> None:
    assert seen[name]["errors"] == []


@pytest.mark.parametrize("name", ALL)
def test_no_request_leaves_the_page(name: str, seen: dict[str, Any]) -> None:
    assert seen[name]["requests"] == []


@pytest.mark.parametrize("name", ALL)
def test_axe_finds_no_serious_barrier_in_light_dark_or_on_a_phone(name: str, seen: dict[str, Any]) -> None:
    assert [found for found in seen[name]["violations"] if found["impact"] in SERIOUS] == []


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_wider_than_the_window_on_a_desk_or_a_phone(name: str, seen: dict[str, Any]) -> None:
    assert set(seen[name]["overflow"].values()) == {0}


@pytest.mark.parametrize("name", NAMES)
def test_charts_have_drawn(name: str, seen: dict[str, Any]) -> None:
    charts = seen[name]["charts"]
    assert len(charts) >= 3
    assert all(chart["width"] > 100 and chart["height"] > 40 and chart["paths"] > 2 for chart in charts)


def test_images_have_drawn_and_say_what_they_show(seen: dict[str, Any]) -> None:
    images = seen["report"]["images"]
    assert len(images) >= 8
    assert all(image["drawn"] and image["alt"] for image in images)


def test_the_filter_hides_rules_and_says_how_many_are_left(seen: dict[str, Any], reports: dict[str, ReportSet]) -> None:
    rulings = reports["report"].reports[0].verdict.rulings
    filter_ = seen["report"]["filter"]
    left = sum(ruling.decision != filter_["unchecked"]["decision"] for ruling in rulings)
    assert filter_["before"] == filter_["after"] == {"rows": len(rulings), "told": f"{len(rulings)} rules"}
    assert filter_["unchecked"] == {"rows": left, "told": f"{left} of {len(rulings)} rules", "decision": "fail"}
    assert filter_["nothing"] == {"rows": 0, "none": True}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_evidence_and_back_to_a_rule_that_a_filter_hid(name: str, seen: dict[str, Any]) -> None:
    assert seen[name]["brokenLinks"] == []
    assert seen[name]["followed"] == {"there": True, "backwards": True, "visible": True}


@pytest.mark.parametrize("name", NAMES)
def test_a_keyboard_skips_to_the_report_and_reaches_the_filter(name: str, seen: dict[str, Any]) -> None:
    assert seen[name]["skip"] == {"first": "Skip to the report", "where": "main"}
    assert seen[name]["tabs"] is not None


def test_the_command_is_copied_whole(seen: dict[str, Any]) -> None:
    copied = seen["report"]["copied"]
    assert copied["told"] == "Copied"
    assert copied["text"] == copied["command"]
    assert copied["command"].startswith("vetgate check ")


def test_the_switch_between_light_and_dark_is_remembered(seen: dict[str, Any]) -> None:
    theme = seen["report"]["theme"]
    assert theme["before"] != theme["after"] == theme["reloaded"]


def test_without_a_script_all_rules_stand_and_no_control_is_dead(
    seen: dict[str, Any], reports: dict[str, ReportSet]
) -> None:
    rules = len(reports["report"].reports[0].verdict.rulings)
    assert seen["report"]["withoutScript"] == {"rows": rules, "controls": 0}


def test_paper_is_white_and_shows_what_is_folded_or_filtered_and_no_controls(
    seen: dict[str, Any], reports: dict[str, ReportSet]
) -> None:
    rules = len(reports["report"].reports[0].verdict.rulings)
    assert seen["report"]["print"] == {"rows": rules, "controls": 0, "folded": 0, "paper": "rgb(255, 255, 255)"}


def test_a_page_that_is_denied_storage_works_all_the_same(seen: dict[str, Any]) -> None:
    assert seen["report"]["withoutStorage"] == "dark"


def test_screenshots_and_a_print_are_kept(seen: dict[str, Any]) -> None:
    kept = [Path(file) for name in ALL for file in seen[name]["kept"]]
    wanted = {f"{name}-{width}-light.png" for name in ALL for width in (1280, 390)}
    assert {file.name for file in kept} == wanted | {"report-1280-dark.png", "report-390-dark.png", "report.pdf"}
    assert all(file.stat().st_size > 10_000 for file in kept)
