"""Every format that the host offers stands a report with no rule, with thousands, and with names of any script."""

from __future__ import annotations

import json

import pytest
from vetgate_reporters.terminal import TerminalReporter

from vetgate.host import Kind, find_plugins
from vetgate.reporting import Decision, Finding, Report, ReportSet, Severity

HOST = find_plugins()
DRAWN = ("bubble", "bubble-png")
"""Formats that have nothing to draw of a report without scores, and say so."""
FORMATS = tuple(name for name in HOST.names(Kind.REPORTER) if name not in DRAWN)
ODD = "بومة 🦉 \u202e\u2067👩\u200d👧 <script>alert(1)</script>"
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
"""Signs that turn the reading order round."""


def _rendered(name: str, reports: ReportSet) -> str:
    offer = HOST.offer(Kind.REPORTER, name)
    assert offer is not None
    if offer.missing:
        pytest.skip(f"{name} lacks {offer.missing}")
    content = offer.spec.factory().render(reports)
    return content.decode() if isinstance(content, bytes) else content


def _changed(reports: ReportSet, **changes: object) -> ReportSet:
    return ReportSet(reports=(reports.reports[0].model_copy(update=changes),))


@pytest.fixture(scope="module")
def crowded(canned: ReportSet) -> ReportSet:
    """Return a report with 5,000 rules that fail, and 5,000 findings."""
    verdict, evidence = canned.reports[0].verdict, canned.reports[0].evidence
    one = verdict.rulings[0]
    failing = {"decision": Decision.FAIL, "because": "it fell by 12 pp"}
    rulings = tuple(one.model_copy(update={"rule": f"rule-{number:04}", **failing}) for number in range(5_000))
    found = tuple(
        Finding(rule="acme.odd", severity=Severity.LOW, message=f"oddity {number}", location=f"layer {number}")
        for number in range(5_000)
    )
    return _changed(
        canned,
        verdict=verdict.model_copy(update={"rulings": rulings, "decision": Decision.FAIL}),
        evidence=(evidence[0].model_copy(update={"findings": found}), *evidence[1:]),
    )


@pytest.mark.parametrize("name", FORMATS)
def test_no_rule_at_all_is_a_document(name: str, canned: ReportSet) -> None:
    verdict = canned.reports[0].verdict.model_copy(update={"rulings": ()})
    text = _rendered(name, _changed(canned, verdict=verdict, evidence=()))
    assert text.strip()
    if name.endswith(("json", "sarif", "gitlab")):
        json.loads(text)


@pytest.mark.parametrize("name", FORMATS)
def test_five_thousand_failing_rules_are_a_document_of_bounded_size(name: str, crowded: ReportSet) -> None:
    text = _rendered(name, crowded)
    assert len(text.encode()) < 10_000_000
    if name.endswith(("json", "sarif", "gitlab")):
        json.loads(text)


@pytest.mark.parametrize("name", FORMATS)
def test_names_of_any_script_stay_and_turn_no_line_round(name: str, canned: ReportSet) -> None:
    report = canned.reports[0]
    one = report.verdict.rulings[0].model_copy(update={"rule": f"recall/{ODD}", "because": f"class {ODD} fell"})
    changes = {
        "candidate": report.candidate.model_copy(update={"name": f"{ODD}.onnx"}),
        "verdict": report.verdict.model_copy(update={"rulings": (one,), "because": f"class {ODD} fell"}),
    }
    text = _rendered(name, _changed(canned, **changes))
    if name.endswith("json"):
        assert ODD in json.dumps(json.loads(text), ensure_ascii=False)
    elif name not in ("sarif", "gitlab"):
        assert not set(text) & set(TURNING)
        assert "بومة" in text
        assert "🦉" in text
    if name in ("html", "junit", "markdown", "comment", "github-summary", "explanation-markdown", "ranking-markdown"):
        assert "<script>alert" not in text


def test_the_terminal_shows_the_worst_of_thousands_and_counts_the_rest(crowded: ReportSet) -> None:
    text = TerminalReporter(100).render(crowded)
    assert text.startswith("✘ FAIL  int8.onnx")
    assert "── Rules · 5000 fail" in text
    assert "and 4,800 rules more, in the JSON report: 4800 fail" in text
    assert "and the reasons of 4,950 rules more, in the JSON report: 4950 fail" in text
    assert "and 4,900 findings more, in the JSON report" in text
    assert len(text.splitlines()) < 2_000


def test_a_few_passing_rules_behind_many_failing_ones_are_counted_by_decision(crowded: ReportSet) -> None:
    report: Report = crowded.reports[0]
    passing = tuple(
        ruling.model_copy(update={"decision": Decision.PASS}) if place % 5 == 0 else ruling
        for place, ruling in enumerate(report.verdict.rulings)
    )
    text = TerminalReporter(100).render(
        _changed(crowded, verdict=report.verdict.model_copy(update={"rulings": passing}))
    )
    assert "and 4,800 rules more, in the JSON report: 3800 fail, 1000 pass" in text
