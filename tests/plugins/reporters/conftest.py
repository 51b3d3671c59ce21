"""The canned reports of the golden files, for tests of behaviour."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.golden import canned_report, canned_stopped
from vetgate.reporting import Decision, ModelSummary, Report, ReportSet, Ruling, Verdict


@pytest.fixture(scope="session")
def canned() -> ReportSet:
    """Return the report of a full run, which fails."""
    return canned_report.canned()


@pytest.fixture(scope="session")
def stopped() -> ReportSet:
    """Return the report of a run that stopped early, which warns."""
    return canned_stopped.canned()


HOSTILE = (
    "[red]evil[/red] \x1b[31mX\x1b[0m\x9b31m\x07\b\r\n✔ PASS\n\n# owned \u202egnp.\u2066 <script>alert(1)</script> "
    "| a | b\\| `` ` **b** ~~s~~ </details></code> ![i](http://evil.example) @octocat #12 "
    ":tada: $x$ www.evil.example \u2028 end"
)
KEPT = {"kind", "unit", "role", "of", "better", "decision", "waived", "outcome", "severity", "media_type", "base64"}
KEPT |= {"started", "side", "at", "versus", "distance", "state"}


def poison(reports: ReportSet, text: str) -> ReportSet:
    """Return reports in which every text that anybody else wrote is `text`."""
    return ReportSet.model_validate_json(json.dumps(_poisoned(json.loads(reports.model_dump_json()), text)))


def _poisoned(value: Any, text: str, key: str = "") -> Any:
    if isinstance(value, str) and key not in KEPT:
        return text
    if isinstance(value, dict):
        return {text if key == "packages" else name: _poisoned(entry, text, name) for name, entry in value.items()}
    if isinstance(value, list):
        return [_poisoned(entry, text, key) for entry in value]
    return value


@pytest.fixture(scope="session")
def poisoned(canned: ReportSet, stopped: ReportSet) -> ReportSet:
    """Return two reports of which every text that anybody else wrote is hostile."""
    return poison(ReportSet(reports=canned.reports * 2, promotions=stopped.promotions), HOSTILE)


def _variant(report: Report, number: int) -> Report:
    decision = tuple(Decision)[number % 4]
    candidate = report.candidate.model_copy(update={"name": f"runs/sweep/variant-{number}.onnx"})
    verdict = report.verdict.model_copy(update={"decision": decision})
    return report.model_copy(update={"candidate": candidate, "verdict": verdict})


@pytest.fixture(scope="session")
def thirty(canned: ReportSet) -> ReportSet:
    """Return thirty candidates, of each decision some."""
    return ReportSet(reports=tuple(_variant(canned.reports[0], number) for number in range(30)))


@pytest.fixture(scope="session")
def unread(canned: ReportSet) -> ReportSet:
    """Return the report of a candidate that could not be opened: no format, no data, no evidence, one ruling."""
    nothing = ModelSummary(name="broken.onnx", format=None, sha256=None, size=None)
    because = "broken.onnx is empty (0 bytes)"
    ruling = Ruling(rule="identify", words="the candidate can be read", decision=Decision.INCONCLUSIVE, because=because)
    verdict = Verdict(decision=Decision.INCONCLUSIVE, because=because, rulings=(ruling,))
    changes = {"candidate": nothing, "data": None, "evidence": (), "warnings": (), "verdict": verdict}
    return ReportSet(reports=(canned.reports[0].model_copy(update=changes),))
