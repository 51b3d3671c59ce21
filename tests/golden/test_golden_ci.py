"""The canned reports in the formats of CI are what the golden files show (conftest tells how to rewrite them)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vetgate_ci.github import GithubReporter
from vetgate_ci.gitlab import GitlabReporter
from vetgate_ci.junit import JunitReporter
from vetgate_ci.sarif import SarifReporter
from vetgate_reporters.comment import CommentReporter

from vetgate.reporting import (
    Decision,
    Evidence,
    Finding,
    FindingRule,
    Outcome,
    Reporter,
    ReportSet,
    Ruling,
    Severity,
    Verdict,
)

REPORTERS: dict[str, Reporter] = {
    ".xml": JunitReporter(),
    ".sarif": SarifReporter(),
    ".gitlab.json": GitlabReporter(),
    ".github.txt": GithubReporter(),
    ".comment.md": CommentReporter(),
}


def _halted(full: ReportSet) -> ReportSet:
    """Return two candidates of which the second was never opened, for the scan found a call in its pickle."""
    report = full.reports[0]
    found = Finding(
        rule="VG0101",
        severity=Severity.CRITICAL,
        message="data.pkl imports 'os.system', which runs commands.",
        location="models/größe 7.pt: archive/data.pkl, offset 2",
        advice="load it nowhere, and ask where the file comes from",
    )
    meaning = FindingRule(
        id="VG0101",
        title="a pickle imports what runs commands, code or opens files",
        why="Who loads the file runs that.",
        advice="load it nowhere, and ask where the file comes from",
        source="CWE-502",
    )
    because = (
        "critical: data.pkl imports 'os.system', which runs commands (models/größe 7.pt: archive/data.pkl, offset 2)"
    )
    rulings = (
        Ruling(rule="findings", words="no finding is at or over high", decision=Decision.FAIL, because=because, n=1),
        Ruling(
            rule="accuracy.top1/delta",
            words="accuracy.top1 of candidate minus reference is at least -1 pp",
            decision=Decision.INCONCLUSIVE,
            because="accuracy.top1 is not known: no model was opened, because of VG0101",
            metric="accuracy.top1",
        ),
    )
    changes = {
        "candidate": report.candidate.model_copy(update={"name": "models/größe 7.pt", "execution": None}),
        "data": None,
        "policy": report.policy.model_copy(update={"source": "edge (carried)"}),
        "verdict": Verdict(decision=Decision.FAIL, because=because, rulings=rulings),
        "evidence": (Evidence(check="scan", outcome=Outcome.MEASURED, findings=(found,), rules=(meaning,)),),
        "warnings": (),
    }
    return ReportSet(reports=(report, report.model_copy(update=changes)))


@pytest.mark.parametrize("ending", REPORTERS)
@pytest.mark.parametrize("stem", ["report", "stopped", "halted"])
def test_a_canned_report_is_written_as_the_golden_file_shows(
    stem: str, ending: str, canned: dict[str, ReportSet]
) -> None:
    drawn = REPORTERS[ending].render(_halted(canned["report"]) if stem == "halted" else canned[stem])
    content = drawn if isinstance(drawn, bytes) else drawn.encode()
    golden = Path(__file__).with_name(f"{stem}{ending}")
    if os.environ.get("VETGATE_REWRITE_GOLDEN"):
        golden.write_bytes(content)
    assert content == golden.read_bytes()
