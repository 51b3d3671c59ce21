"""What a CI has to show of a report: every rule that does not pass and every finding, the worst first.

A rule that is inconclusive is an error like one that fails, for unknown is never a pass. A waived rule warns. A finding
is as grave as its severity, but an error only where the policy does not let it be. Where a verdict is worse than every
rule, as it is without any, it stands as an alert of its own: an empty list would read as a pass.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from vetgate.reporting import Decision, Finding, FindingRule, Report, ReportSet, Ruling, Severity
from vetgate.wording.text import name, sentence
from vetgate_ci.place import Place, of_finding, of_policy

VERDICT = "verdict"
"""Name of the rule that stands for a verdict which no rule tells."""
_FINDINGS = "findings"
"""Name of the rule on findings."""
_SCAN = "scan"
"""The check whose findings are about safety."""


class Grade(IntEnum):
    """How grave an alert is; ordered."""

    NOTE = 0
    WARNING = 1
    ERROR = 2


_OF_RULINGS = {Decision.FAIL: Grade.ERROR, Decision.INCONCLUSIVE: Grade.ERROR, Decision.WARN: Grade.WARNING}
_OF_FINDINGS = {
    Severity.CRITICAL: Grade.ERROR,
    Severity.HIGH: Grade.ERROR,
    Severity.MEDIUM: Grade.WARNING,
    Severity.LOW: Grade.NOTE,
    Severity.INFO: Grade.NOTE,
}
_VERBS = {Decision.FAIL: "fails", Decision.INCONCLUSIVE: "is inconclusive", Decision.WARN: "warns"}


@dataclass(frozen=True)
class Alert:
    """One thing to show: a ruling or a finding. Its texts are made when they are asked for, for most may be cut."""

    report: Report = field(repr=False)
    grade: Grade
    place: Place
    key: str
    """32 hexadecimal digits, the same in every run over models, policy and rule of these names; no two are equal."""
    ruling: Ruling | None = None
    finding: Finding | None = None
    security: bool = False
    """Whether it is about what a file could do, and not about how well the model does."""
    meaning: FindingRule | None = None
    """What the finding's rule means, where the report tells it."""
    many: bool = False
    """Whether there are other candidates, so that titles have to name them."""

    @property
    def rule(self) -> str:
        """Name of the policy's rule, or id of the finding's, as it was given."""
        return self.ruling.rule if self.ruling is not None else self.finding.rule if self.finding is not None else ""

    @property
    def title(self) -> str:
        """What it is, on one harmless line that is still to be escaped."""
        rule = name(self.rule, 200)
        if self.finding is not None:
            where = f" in {name(self.place.path)}" if self.place.path else ""
            return f"{self.finding.severity.name.lower()}: {rule}{where}"
        if self.ruling is None:
            return rule
        model = f"{name(self.report.candidate.name)}: " if self.many else ""
        waived = self.ruling.waived
        else_ = f", waived, else it {_VERBS.get(waived, 'passes')}" if waived is not None else ""
        return f"{model}{rule} {_VERBS.get(self.ruling.decision, 'passes')}{else_}"

    @property
    def message(self) -> str:
        """The sentence why, and what to do; likewise."""
        if self.finding is not None:
            advice = f" Advice: {sentence(self.finding.advice)}" if self.finding.advice else ""
            return f"{sentence(self.finding.message)}{advice}"
        return sentence(self.ruling.because) if self.ruling is not None else ""


def alerts(reports: ReportSet) -> list[Alert]:
    """Return everything that does not pass, the worst first; what is equally bad keeps the report's order."""
    found: list[Alert] = []
    seen: set[tuple[object, ...]] = set()
    taken: Counter[str] = Counter()
    many = len(reports.reports) > 1
    for report in reports.reports:
        found += _of_rulings(report, many, taken)
        found += _of_findings(report, seen, taken)
    return sorted(found, key=_badness)


def told_rulings(report: Report) -> tuple[Ruling, ...]:
    """Return the rulings, and one that stands for the verdict where that is worse than all of them."""
    verdict = report.verdict
    worst = max((ruling.decision.rank for ruling in verdict.rulings), default=-1)
    if verdict.decision.rank <= worst:
        return verdict.rulings
    told = Ruling(rule=VERDICT, words="the verdict", decision=verdict.decision, because=verdict.because)
    return (*verdict.rulings, told)


def _badness(alert: Alert) -> tuple[int, int]:
    if alert.finding is not None:
        return -alert.grade, 1 + Severity.CRITICAL - alert.finding.severity
    failed = alert.ruling is not None and alert.ruling.decision is not Decision.INCONCLUSIVE
    return -alert.grade, 0 if failed else 3


def _of_rulings(report: Report, many: bool, taken: Counter[str]) -> Iterator[Alert]:
    place = of_policy(report)
    for ruling in told_rulings(report):
        if ruling.decision is not Decision.PASS:
            key = _key(taken, "rule", report.policy.name, report.candidate.name, ruling.rule)
            yield Alert(report, _OF_RULINGS[ruling.decision], place, key, ruling=ruling, many=many)


def _of_findings(report: Report, seen: set[tuple[object, ...]], taken: Counter[str]) -> Iterator[Alert]:
    """Yield findings; one of the reference, which every candidate's report has, once."""
    let_be = any(rule.rule == _FINDINGS and rule.decision is not Decision.FAIL for rule in report.verdict.rulings)
    for evidence in report.evidence:
        meanings = {rule.id: rule for rule in evidence.rules}
        for finding in evidence.findings:
            place = of_finding(report, finding.location)
            same = (evidence.check, finding.rule, finding.severity, finding.message, place)
            if same in seen:
                continue
            seen.add(same)
            grade = _OF_FINDINGS[finding.severity]
            yield Alert(
                report=report,
                grade=min(grade, Grade.WARNING) if let_be else grade,
                place=place,
                key=_key(taken, "finding", finding.rule, place.path, place.member),
                finding=finding,
                security=evidence.check == _SCAN,
                meaning=meanings.get(finding.rule),
            )


def _key(taken: Counter[str], *parts: str) -> str:
    """Return a key of names alone; of several that have the same, the later ones are counted."""
    own = _digest(parts)
    taken[own] += 1
    return own if taken[own] == 1 else _digest((*parts, str(taken[own])))


def _digest(parts: Sequence[str]) -> str:
    text = "\0".join(part.replace("\\", "\\\\").replace("\0", "\\0") for part in parts)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
