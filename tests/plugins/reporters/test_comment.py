"""Comments and job summaries: as long as GitHub takes, found again by their marker, whatever the names."""

from __future__ import annotations

import re

import pytest
from vetgate_reporters.comment import LONGEST, CommentReporter, marker
from vetgate_reporters.github_summary import LONGEST as LONGEST_SUMMARY
from vetgate_reporters.github_summary import GithubSummaryReporter
from vetgate_reporters.markdown import MarkdownReporter, Room

from vetgate.reporting import Decision, Evidence, Finding, Outcome, ReportSet, Severity

MARKER = re.compile(r"<!-- vetgate: policy=[^\s<>]* reference=[^\s<>]* -->")


def _named(reports: ReportSet, policy: str, reference: str) -> ReportSet:
    report = reports.reports[0]
    changes = {
        "policy": report.policy.model_copy(update={"name": policy}),
        "reference": report.reference.model_copy(update={"name": reference}),
    }
    return ReportSet(reports=(report.model_copy(update=changes),))


def _huge(reports: ReportSet, text: str, rules: int = 5_000) -> ReportSet:
    """Return a report of failing rules and 30,000 findings whose texts are full of a sign."""
    report = reports.reports[0]
    ruling = report.verdict.rulings[0].model_copy(update={"decision": Decision.FAIL, "because": text * 100})
    finding = Finding(rule="VG0101", severity=Severity.HIGH, message=text * 60, location=text)
    evidence = Evidence(check="scan", outcome=Outcome.MEASURED, findings=(finding,) * 30_000)
    verdict = report.verdict.model_copy(
        update={"rulings": tuple(ruling.model_copy(update={"rule": f"{text}{n}"}) for n in range(rules))}
    )
    return ReportSet(reports=(report.model_copy(update={"verdict": verdict, "evidence": (evidence,)}),))


def test_the_marker_is_the_first_line_and_depends_on_names_alone(canned: ReportSet, stopped: ReportSet) -> None:
    first = CommentReporter().render(canned).splitlines()[0]
    assert first == "<!-- vetgate: policy=edge reference=reference.pt -->"
    later = canned.reports[0].model_copy(update={"seconds": 1.0, "seed": 9, "verdict": stopped.reports[0].verdict})
    assert marker(ReportSet(reports=(later,))) == first
    assert marker(_named(canned, "strict", "reference.pt")) != first


@pytest.mark.parametrize(
    "name",
    ["--> <script>", "a--!>b", "--", ">", "->", "\n-->\n", "x" * 5_000, "模" * 500, "\u202e👩‍🔬", "", "\x00", "a b=c"],
)
def test_no_name_ends_the_marker(canned: ReportSet, name: str) -> None:
    line = marker(_named(canned, name, name))
    assert MARKER.fullmatch(line)
    assert line.count("--") == 2
    assert len(line) < 400


def test_long_names_that_differ_at_their_end_have_markers_of_their_own(canned: ReportSet) -> None:
    lines = {marker(_named(canned, "p", "模" * 500 + end)) for end in "abc"}
    assert len(lines) == 3


@pytest.mark.parametrize("text", ["a", "模", "👩", "\u202e", "@a", "<|>"])
def test_huge_comments_and_summaries_fit_in_characters_and_in_bytes(canned: ReportSet, text: str) -> None:
    reports = _huge(canned, text)
    comment, summary = CommentReporter().render(reports), GithubSummaryReporter().render(reports)
    assert len(comment.encode()) <= LONGEST
    assert MARKER.match(comment)
    assert "left out" in comment
    assert len(summary.encode()) <= LONGEST_SUMMARY
    assert summary.startswith("## ✘ FAIL")


def test_a_summary_shows_more_than_a_comment_has_room_for(canned: ReportSet) -> None:
    reports = _huge(canned, "a", rules=1_000)
    assert GithubSummaryReporter().render(reports).count("| ✘ fail |") == 1_000
    assert CommentReporter().render(reports).count("| ✘ fail |") < 1_000


def test_a_summary_can_be_had_for_less_room_and_is_empty_without_any(canned: ReportSet) -> None:
    reporter = GithubSummaryReporter()
    assert len(reporter.within(3_000).render(canned).encode()) <= 3_000
    assert reporter.within(3_000).render(canned).startswith("## ✘ FAIL")
    assert reporter.within(10).render(canned) == ""
    assert reporter.within(-5).render(canned) == ""


def test_a_short_report_is_the_same_in_all_of_them(canned: ReportSet) -> None:
    text = MarkdownReporter().render(canned)
    assert GithubSummaryReporter().render(canned) == text
    assert CommentReporter().render(canned) == f"{marker(canned)}\n\n{text}"


@pytest.mark.parametrize("room", [Room(900), Room(5_000, 5_000), Room(100_000, 9_000)])
def test_any_room_is_held(canned: ReportSet, room: Room) -> None:
    assert room.holds(MarkdownReporter(room).render(_huge(canned, "模")))


def test_hostile_names_act_in_no_comment(poisoned: ReportSet) -> None:
    text = CommentReporter().render(poisoned)
    assert MARKER.fullmatch(text.splitlines()[0])
    assert text.count("<!--") == 1
    assert "<script" not in text
