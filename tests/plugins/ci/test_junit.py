"""JUnit: valid by the published schema whatever a report holds, and unknown is never a test that passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
import xmlschema
from vetgate_ci.junit import MOST_FINDINGS, JunitReporter

from vetgate.reporting import Decision, ReportSet, Ruling


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(Path(__file__).parent / "schemas" / "junit-10.xsd"))


def _drawn(reports: ReportSet) -> Element:
    return fromstring(JunitReporter().render(reports))  # noqa: S314  # our own


def _ruling(decision: Decision, **more: object) -> Ruling:
    return Ruling.model_validate({"rule": "r", "words": "w", "decision": decision, "because": "the reason", **more})


def _only_case(reports: ReportSet) -> Element:
    (case,) = _drawn(reports).iter("testcase")
    return case


def test_any_report_is_valid_by_the_published_schema(odd: ReportSet, schema: xmlschema.XMLSchema) -> None:
    drawn = JunitReporter().render(odd)
    schema.validate(drawn.decode())
    root = fromstring(drawn)  # noqa: S314  # our own
    for each in (root, *root.iter("testsuite")):
        assert each.get("failures") == str(len(list(each.iter("failure"))))
        assert each.get("errors") == str(len(list(each.iter("error"))))
        assert each.get("tests") == str(len(list(each.iter("testcase"))))


def test_no_report_that_is_not_a_pass_reads_as_one(odd: ReportSet) -> None:
    root = _drawn(odd)
    bad = sum(report.verdict.decision.rank >= Decision.INCONCLUSIVE.rank for report in odd.reports)
    suites = [suite for suite in root if suite.find(".//failure") is not None or suite.find(".//error") is not None]
    assert len(suites) == bad


def test_a_rule_that_fails_is_a_failure_with_its_sentence_and_figures(canned: ReportSet) -> None:
    case = next(case for case in _drawn(canned).iter("testcase") if case.get("name") == "similarity.agreement")
    failure = case.find("failure")
    assert case.get("classname") == "edge"
    assert failure is not None
    assert failure.get("type") == "fail"
    assert str(failure.get("message")).startswith("similarity.agreement is 96.76 %; at least 97.5 % was asked")
    assert "bounds: 96.45 to 97.05 %" in str(failure.text)


def test_an_inconclusive_rule_is_an_error_never_a_pass(ruled: Callable[..., ReportSet]) -> None:
    case = _only_case(ruled(_ruling(Decision.INCONCLUSIVE)))
    assert [child.tag for child in case] == ["error"]
    assert case[0].get("message") == "the reason"


def test_a_rule_that_warns_passes_and_says_so(ruled: Callable[..., ReportSet]) -> None:
    case = _only_case(ruled(_ruling(Decision.WARN)))
    assert [child.tag for child in case] == ["system-out"]
    assert str(case[0].text).startswith("warn: the reason")


def test_a_waived_rule_tells_what_it_would_be(ruled: Callable[..., ReportSet]) -> None:
    case = _only_case(ruled(_ruling(Decision.WARN, waived=Decision.FAIL)))
    assert str(case[0].text).startswith("warn: waived, else fail: the reason")


def test_a_verdict_without_rules_is_a_case_of_its_own(ruled: Callable[..., ReportSet]) -> None:
    case = _only_case(ruled(decision=Decision.INCONCLUSIVE))
    assert case.get("name") == "verdict"
    assert case.find("error") is not None


def test_cases_of_several_candidates_are_told_apart(sets: dict[str, ReportSet]) -> None:
    cases = [(case.get("classname"), case.get("name")) for case in _drawn(sets["several"]).iter("testcase")]
    assert len(set(cases)) == len(cases)


def test_digests_and_figures_are_properties(canned: ReportSet) -> None:
    told = {entry.get("name"): entry.get("value") for entry in _drawn(canned).iter("property")}
    assert told["vetgate.decision"] == "fail"
    assert told["sha256.candidate"] == canned.reports[0].candidate.sha256
    assert told["figure.accuracy.top1.delta"] == "-0.72 pp"


def test_too_many_findings_are_cut_with_a_line_that_counts_them(sets: dict[str, ReportSet]) -> None:
    told = _drawn(sets["30,000 findings"]).find(".//system-err")
    assert told is not None
    lines = str(told.text).splitlines()
    assert len(lines) == MOST_FINDINGS + 1
    assert lines[0].startswith("critical VG")
    assert lines[-1].startswith("29,000 more findings were left out")
