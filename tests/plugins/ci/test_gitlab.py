"""GitLab code quality: an array that GitLab takes, whose entries it finds again in the next pipeline."""

from __future__ import annotations

import json
from typing import Any

from vetgate_ci.gitlab import MOST, GitlabReporter

from vetgate.reporting import Decision, ReportSet

SEVERITIES = ("blocker", "critical", "major", "minor", "info")


def _drawn(reports: ReportSet) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(GitlabReporter().render(reports))
    return entries


def test_every_entry_has_what_gitlab_asks_for(odd: ReportSet) -> None:
    entries = _drawn(odd)
    assert len(entries) <= MOST + 1
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    for entry in entries:
        path = entry["location"]["path"]
        assert entry["description"]
        assert entry["check_name"]
        assert entry["severity"] in SEVERITIES
        assert path
        assert not path.startswith(("/", "./", "../"))
        assert entry["location"]["lines"]["begin"] >= 1


def test_a_report_that_is_no_pass_is_never_empty(odd: ReportSet) -> None:
    decisions = {report.verdict.decision for report in odd.reports}
    assert bool(_drawn(odd)) is (decisions != {Decision.PASS})


def test_no_control_character_is_left(sets: dict[str, ReportSet]) -> None:
    text = GitlabReporter().render(sets["hostile"])
    assert not [char for char in text if not char.isprintable() and char != "\n"]


def test_severities_follow_decisions(canned: ReportSet) -> None:
    told = {entry["check_name"]: entry["severity"] for entry in _drawn(canned)}
    assert told["similarity.agreement"] == "blocker"
    assert told["acme.blur/delta"] == "critical"
    assert told["no-class-left-behind"] == "major"
    assert told["latency.p50/ratio"] == "minor"


def test_what_is_left_out_is_told_by_a_last_entry(sets: dict[str, ReportSet]) -> None:
    entries = _drawn(sets["30,000 findings"])
    assert entries[-1]["description"].startswith(f"{30_005 - MOST:,} more")
    assert entries[-1]["severity"] in SEVERITIES
