"""SARIF 2.1.0 for code scanning: rules that do not pass and findings, with rules that explain them.

| in vetgate | in SARIF |
|---|---|
| all candidates of a report set | one run; its category is `vetgate/POLICY` |
| a rule that does not pass | a result of `POLICY/RULE` at the policy's file; of a carried policy, at the candidate |
| fail, inconclusive | level `error`; `properties.decision` tells them apart |
| warn | level `warning`; a waived rule has an accepted suppression, too |
| a finding | a result at the model's file, the member that it is in as a logical location |
| critical, high; medium; low, info | level `error`, but `warning` where the policy lets it be; `warning`; `note` |
| a finding of the scan | its rule has `security-severity` and the help that the scanner declares |
| a check that did not measure, a warning of the run | a notification of the invocation |
| verdict, digests | `properties` of the run |

`kind` stays `fail` for what is inconclusive: SARIF's own `open` demands the level `none`, which viewers hide, and
unknown is never a pass. Results that pass are left out, for GitHub would show them as alerts.

GitHub refuses a document over 10 MB (compressed; held here by what is not), 25,000 results or 25,000 rules, shows the
5,000 worst results, and takes several runs of one tool for one category: so there is one, what is worst comes first,
and a notification says how many were left out. Both fingerprints depend on names alone: `primaryLocationLineHash` is
the one that GitHub goes by. A name that reads like a link in a message is broken by a space without width, and braces
are doubled, as SARIF wants them.

Written as plain JSON: sarif-om was last released in 2019, and its classes check nothing. The published schema does, in
the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from vetgate.reporting import Outcome, Report, ReportSet
from vetgate.wording import provenance, rulings
from vetgate.wording.text import name, sentence
from vetgate_ci.alert import Alert, alerts
from vetgate_ci.sarif_result import message, result, rule_id
from vetgate_ci.sarif_rule import descriptor

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
LONGEST = 10_000_000
"""Bytes of the document."""
FRAME = 2_500_000
"""Bytes that are kept for what is no result, all of it bounded below, and for the layout."""
MOST_CANDIDATES = 50
"""Candidates among the properties; the worst."""
MOST_NOTES = 200
MOST_ARGUMENTS = 100
FEW = 500
"""Results that are still laid out for people."""


class SarifReporter:
    """Writes JSON; laid out for people where it is short."""

    def render(self, reports: ReportSet) -> str:
        """Return the document."""
        found = alerts(reports)
        results, rules = _fitting(found)
        run = {
            "tool": {"driver": {**_driver(reports), "rules": rules}},
            "automationDetails": {"id": f"vetgate/{name(reports.reports[0].policy.name, 100)}/"},
            "invocations": [_invocation(reports, len(found) - len(results))],
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": _properties(reports),
        }
        document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
        short = len(results) <= FEW
        layout: dict[str, Any] = {"indent": 2} if short else {"separators": (",", ":")}
        return json.dumps(document, ensure_ascii=False, **layout) + "\n"


def _fitting(found: Sequence[Alert]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the results that fit, and their rules, each once."""
    results: list[dict[str, Any]] = []
    rules: dict[str, int] = {}
    described: list[dict[str, Any]] = []
    room = LONGEST - FRAME
    for alert in found[:MOST_RESULTS]:
        id_ = rule_id(alert)
        new = None if id_ in rules else descriptor(alert, id_)
        entry = result(alert, id_, rules.get(id_, len(described)))
        room -= _size(entry) + (_size(new) if new is not None else 0)
        if room < 0:
            break
        if new is not None:
            rules[id_] = len(described)
            described.append(new)
        results.append(entry)
    return results, described


def _size(part: dict[str, Any]) -> int:
    return len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) + 1


def _driver(reports: ReportSet) -> dict[str, Any]:
    first = reports.reports[0]
    return {"name": "vetgate", "version": name(first.environment.vetgate)}


def _invocation(reports: ReportSet, left_out: int) -> dict[str, Any]:
    first = reports.reports[0]
    notes = list(_notifications(reports))
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [_note("note", f"{len(notes) - MOST_NOTES:,} more notifications were left out")]
    if left_out:
        told = f"{left_out:,} results were left out for length, none worse than those here; the JSON report has all"
        notes.insert(0, _note("warning", told))
    errored = any(entry.outcome is Outcome.ERRORED for report in reports.reports for entry in report.evidence)
    return {
        "executionSuccessful": not errored,
        "arguments": [name(part, 300) for part in provenance.command(first)[1 : MOST_ARGUMENTS + 1]],
        "startTimeUtc": first.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "toolExecutionNotifications": notes,
    }


def _notifications(reports: ReportSet) -> Iterator[dict[str, Any]]:
    """Yield what was not measured and what warns, for each candidate."""
    for report in reports.reports:
        model = name(report.candidate.name)
        for entry in report.evidence:
            if entry.outcome is not Outcome.MEASURED:
                level = "error" if entry.outcome is Outcome.ERRORED else "warning"
                reason = sentence(entry.reason) or "no reason given"
                yield _note(level, f"{model}: check {name(entry.check)} {entry.outcome.value}: {reason}")
        yield from (_note("warning", f"{model}: {sentence(warning)}") for warning in report.warnings)


def _note(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": message(text)}


def _properties(reports: ReportSet) -> dict[str, Any]:
    shown = rulings.candidates_worst_first(reports.reports)[:MOST_CANDIDATES]
    return {
        "decision": reports.decision.value,
        "candidates": [_candidate(report) for report in shown],
        "candidatesLeftOut": len(reports.reports) - len(shown),
    }


def _candidate(report: Report) -> dict[str, Any]:
    data = report.data
    return {
        "candidate": name(report.candidate.name, 255),
        "decision": report.verdict.decision.value,
        "because": sentence(report.verdict.because),
        "policy": name(report.policy.name, 100),
        "images": data.images if data is not None else None,
        "sha256": {name(label, 100): name(digest, 64) for label, digest in provenance.digests(report)[:12]},
    }
