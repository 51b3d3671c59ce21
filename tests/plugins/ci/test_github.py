"""Annotations: at most ten of a kind, the worst first, and no text of strangers becomes a command."""

from __future__ import annotations

import re

from vetgate_ci.github import GithubReporter

from vetgate.reporting import Decision, ReportSet

COMMAND = re.compile(r"::(error|warning) title=([^:,\r\n]*)(?:,file=([^:,\r\n]*),line=([0-9]+))?::([^\r\n]*)")


def _drawn(reports: ReportSet) -> list[re.Match[str]]:
    lines = GithubReporter().render(reports).splitlines()
    found = [COMMAND.fullmatch(line) for line in lines]
    assert all(match is not None for match in found)
    return [match for match in found if match is not None]


def test_every_line_is_one_command_and_there_are_ten_of_a_kind_at_most(odd: ReportSet) -> None:
    text = GithubReporter().render(odd)
    commands = [match[1] for match in _drawn(odd)]
    assert text.count("\n") == len(commands)
    assert commands.count("error") <= 10
    assert commands.count("warning") <= 10
    assert max((len(line.encode()) for line in text.splitlines()), default=0) < 16_000
    assert not [char for char in text if not char.isprintable() and char != "\n"]


def test_a_report_that_is_no_pass_has_an_annotation(odd: ReportSet) -> None:
    decisions = {report.verdict.decision for report in odd.reports}
    assert bool(_drawn(odd)) is (decisions != {Decision.PASS})


def test_percent_signs_colons_and_commas_are_escaped_as_the_runner_reads_them(sets: dict[str, ReportSet]) -> None:
    text = GithubReporter().render(sets["hostile"])
    assert "%250A" in text
    assert "%2525" in text
    assert "a%3Ab%2Cc" in text
    assert not re.search(r"%(?!25|0D|0A|3A|2C)", text)


def test_the_tenth_says_how_many_more_there_are(sets: dict[str, ReportSet]) -> None:
    found = _drawn(sets["5,000 failing rules"])
    assert len(found) == 10
    assert found[0][2] == "vetgate%3A rule-0 fails"
    assert found[-1][5].startswith("4,991 more errors")


def test_what_fails_comes_before_what_is_unknown(canned: ReportSet) -> None:
    titles = [match[2] for match in _drawn(canned)]
    assert titles[0] == "vetgate%3A similarity.agreement fails"
    assert titles[1].endswith("is inconclusive")
    assert titles[-1] == "vetgate%3A latency.p50/ratio warns%2C waived%2C else it fails"


def test_annotations_stand_at_the_policy(canned: ReportSet) -> None:
    assert {(match[3], match[4]) for match in _drawn(canned)} == {("vetgate.yaml", "4")}
