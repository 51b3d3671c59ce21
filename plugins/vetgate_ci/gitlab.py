"""A code quality report of GitLab (`artifacts: reports: codequality`), which merge requests show and compare.

One entry for each rule that does not pass and each finding, the worst first. GitLab takes an entry for the same as one
of the target branch by its fingerprint, which depends on names alone: of policy, candidate and rule, or of the
finding's rule and place.

| in vetgate | severity |
|---|---|
| a rule that fails, a critical finding | blocker |
| an inconclusive rule, a high finding | critical |
| a rule that warns, a medium finding | major |
| a waived rule, a low finding | minor |
| an info finding | info |

See https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from vetgate.reporting import Decision, ReportSet, Severity
from vetgate.wording.text import name
from vetgate_ci.alert import Alert, alerts
from vetgate_ci.place import LONGEST

MOST = 5_000
"""Entries; what is left out is told by a last one."""
_BY_DECISION = {Decision.FAIL: "blocker", Decision.INCONCLUSIVE: "critical", Decision.WARN: "major"}
_BY_SEVERITY = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


class GitlabReporter:
    """Writes a JSON array, empty where everything passes and nothing was found."""

    def render(self, reports: ReportSet) -> str:
        """Return the document."""
        found = alerts(reports)
        entries = [_entry(alert) for alert in found[:MOST]]
        if len(found) > MOST:
            entries.append(_rest(found[MOST], len(found) - MOST))
        return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _entry(alert: Alert) -> dict[str, Any]:
    return {
        "description": f"{alert.title}: {alert.message}",
        "check_name": name(alert.rule, 255),
        "fingerprint": alert.key,
        "severity": _severity(alert),
        "location": {"path": name(alert.place.relative, LONGEST), "lines": {"begin": alert.place.line}},
    }


def _severity(alert: Alert) -> str:
    if alert.finding is not None:
        return _BY_SEVERITY[alert.finding.severity]
    if alert.ruling is None or alert.ruling.waived is not None:
        return "minor"
    return _BY_DECISION[alert.ruling.decision]


def _rest(first: Alert, left_out: int) -> dict[str, Any]:
    """Return the entry that stands for what was left out, as grave as the worst of it."""
    told = f"{left_out:,} more of at most this severity were left out for length; all stand in the JSON report"
    return {
        **_entry(first),
        "description": told,
        "check_name": "vetgate",
        "fingerprint": hashlib.sha256(b"left out").hexdigest()[:32],
    }
