"""SARIF: valid by the published schema, within GitHub's limits, its alerts found again by the next run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from vetgate_ci.sarif import LONGEST, MOST_RESULTS, SarifReporter

from vetgate.reporting import Decision, Evidence, Finding, FindingRule, Outcome, ReportSet, Ruling, Severity

RELATIVE = re.compile(r"(file:///)?([A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-F]{2})+")


@pytest.fixture(scope="module")
def schema() -> Any:
    text = (Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")
    return jsonschema.Draft4Validator(json.loads(text))


def _run(reports: ReportSet) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(SarifReporter().render(reports))["runs"][0]
    return run


def _sample(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with its first and last results and rules alone: to check thousands alike takes minutes."""
    run = document["runs"][0]
    driver = run["tool"]["driver"]
    rules = driver["rules"][:20] + driver["rules"][20:][-20:]
    results = run["results"][:20] + run["results"][20:][-20:]
    tool = {"driver": {**driver, "rules": rules}}
    return {**document, "runs": [{**run, "tool": tool, "results": results}]}


def _with(reports: ReportSet, evidence: Evidence) -> ReportSet:
    return ReportSet(reports=(reports.reports[0].model_copy(update={"evidence": (evidence,)}),))


def test_any_report_is_valid_by_the_published_schema_and_within_the_limits_of_github(
    odd: ReportSet, schema: Any
) -> None:
    text = SarifReporter().render(odd)
    document = json.loads(text)
    schema.validate(_sample(document))
    assert len(text.encode()) <= LONGEST
    (run,) = document["runs"]
    assert len(run["results"]) <= MOST_RESULTS
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) <= 25_000
    assert all(len(rule["id"]) <= 255 and len(rule["shortDescription"]["text"]) <= 1_024 * 2 for rule in rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        physical = result["locations"][0]["physicalLocation"]
        assert RELATIVE.fullmatch(physical["artifactLocation"]["uri"])
        assert physical["region"]["startLine"] >= 1


def test_no_control_character_and_no_link_is_left_in_any_message(sets: dict[str, ReportSet]) -> None:
    text = SarifReporter().render(sets["hostile"])
    assert not [char for char in text if not char.isprintable() and char not in "\n\u200b"]
    told = re.findall(r'"text": "(.*)"', text)
    assert not [message for message in told if "](" in message]
    assert "{{0}}" in text


def test_what_fails_and_what_is_unknown_are_errors_the_worst_first(canned: ReportSet) -> None:
    results = _run(canned)["results"]
    told = [(result["level"], result["properties"].get("decision")) for result in results]
    assert told[:3] == [("error", "fail"), ("error", "inconclusive"), ("error", "inconclusive")]
    assert told[3:5] == [("warning", "warn"), ("warning", "warn")]
    assert {level for level, _ in told[5:]} <= {"warning", "note"}
    assert all("kind" not in result for result in results)


def test_a_rule_stands_at_its_policy_and_a_finding_at_its_model(canned: ReportSet) -> None:
    first = _run(canned)["results"][0]
    assert first["ruleId"] == "edge/similarity.agreement"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "vetgate.yaml"},
        "region": {"startLine": 4},
    }
    assert first["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "int8.onnx"


def test_a_finding_of_the_scan_is_explained_and_placed_in_its_member(canned: ReportSet) -> None:
    found = Finding(
        rule="VG0101", severity=Severity.CRITICAL, message="it calls os.system", location="reference.pt: data.pkl"
    )
    rule = FindingRule(id="VG0101", title="a pickle imports", why="it runs code.", advice="export again", source="CWE")
    scan = Evidence(check="scan", outcome=Outcome.MEASURED, findings=(found,), rules=(rule,))
    run = _run(_with(canned, scan))
    result = next(result for result in run["results"] if result["ruleId"] == "VG0101")
    described = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert described["help"]["text"] == "it runs code. What to do: export again. Source: CWE."
    assert described["properties"] == {"tags": ["security"], "security-severity": "9.5"}
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "reference.pt"
    assert result["locations"][0]["logicalLocations"] == [{"name": "data.pkl", "kind": "member"}]


def test_a_grave_finding_that_the_policy_lets_be_is_a_warning(canned: ReportSet) -> None:
    found = Finding(rule="VG0101", severity=Severity.HIGH, message="x", location="int8.onnx")
    run = _run(_with(canned, Evidence(check="scan", outcome=Outcome.MEASURED, findings=(found,))))
    (result,) = [result for result in run["results"] if result["ruleId"] == "VG0101"]
    assert result["level"] == "warning"


def test_a_waived_rule_is_suppressed_with_its_reason(canned: ReportSet) -> None:
    (result,) = [result for result in _run(canned)["results"] if "suppressions" in result]
    assert result["level"] == "warning"
    assert result["suppressions"][0]["status"] == "accepted"
    assert "new runtime lands in March" in result["suppressions"][0]["justification"]


def _later(reports: ReportSet) -> ReportSet:
    """Return what a later run finds of other files of the same names: other digests, figures and times."""
    changed = []
    for report in reports.reports:
        rulings = tuple(
            ruling.model_copy(update={"because": "it is 7 now", "observed": 7.0}) for ruling in report.verdict.rulings
        )
        changes = {
            "seconds": 7.5,
            "candidate": report.candidate.model_copy(update={"sha256": "f" * 64}),
            "verdict": report.verdict.model_copy(update={"rulings": rulings}),
        }
        changed.append(report.model_copy(update=changes))
    return ReportSet(reports=tuple(changed))


def _fingerprints(reports: ReportSet) -> list[str]:
    return [result["partialFingerprints"]["vetgate/v1"] for result in _run(reports)["results"]]


@pytest.mark.parametrize("kind", ["canned", "stopped", "hostile", "several", "5,000 failing rules"])
def test_fingerprints_are_unique_and_stay_when_figures_and_digests_change(
    kind: str, sets: dict[str, ReportSet]
) -> None:
    first = _fingerprints(sets[kind])
    assert len(set(first)) == len(first)
    assert sorted(_fingerprints(_later(sets[kind]))) == sorted(first)


def test_what_is_left_out_is_counted_and_none_of_it_is_worse(sets: dict[str, ReportSet]) -> None:
    run = _run(sets["30,000 findings"])
    levels = ["error", "warning", "note"]
    order = [levels.index(result["level"]) for result in run["results"]]
    assert order == sorted(order)
    told = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    left_out = int(told.split(" ")[0].replace(",", ""))
    assert left_out + len(run["results"]) == 30_000 + 5
    assert len(run["results"]) > 5_000


def test_a_finding_of_the_reference_stands_once_for_all_candidates(canned: ReportSet) -> None:
    found = Finding(rule="VG0204", severity=Severity.HIGH, message="x", location="reference.pt: a")
    report = _with(canned, Evidence(check="scan", outcome=Outcome.MEASURED, findings=(found,))).reports[0]
    other = report.model_copy(update={"candidate": report.candidate.model_copy(update={"name": "other.onnx"})})
    results = _run(ReportSet(reports=(report, other)))["results"]
    assert [result["ruleId"] for result in results].count("VG0204") == 1


def test_checks_that_did_not_measure_and_warnings_are_notifications(canned: ReportSet) -> None:
    (invocation,) = _run(canned)["invocations"]
    told = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    assert invocation["executionSuccessful"] is False
    assert any("check acme_blur errored" in text for text in told)
    assert any("The observer of plugin 'tracker' failed" in text for text in told)


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("models/a b.onnx", "models/a%20b.onnx"),
        ("/builds/int8.onnx", "file:///builds/int8.onnx"),
        ("models:/classifier/3", "models%3A/classifier/3"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("//evil.example/x", "file:///evil.example/x"),
        ("größe.onnx", "gr%C3%B6%C3%9Fe.onnx"),
    ],
)
def test_a_file_of_any_name_has_a_valid_uri(ruled: Callable[..., ReportSet], name: str, uri: str) -> None:
    rule = Ruling(rule="r", words="w", decision=Decision.FAIL, because="b")
    report = ruled(rule).reports[0]
    carried = report.policy.model_copy(update={"source": "edge (carried)"})
    model = report.candidate.model_copy(update={"name": name})
    run = _run(ReportSet(reports=(report.model_copy(update={"candidate": model, "policy": carried}),)))
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_long_names_of_rules_stay_apart(ruled: Callable[..., ReportSet]) -> None:
    rules = [
        Ruling(rule=f"{'a' * 300}{n}{'b' * 300}", words="w", decision=Decision.FAIL, because="b") for n in range(3)
    ]
    assert len({result["ruleId"] for result in _run(ruled(*rules))["results"]}) == 3
