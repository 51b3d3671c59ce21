"""The baseline: a saved report that rules may compare with, and the named act that makes a report one."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vetgate.domain.errors import UsageError
from vetgate.domain.evidence import Evidence
from vetgate.domain.policy import Rule
from vetgate.domain.report import BaselineSummary, Promotion, Report, ReportSet
from vetgate.domain.verdict import Decision
from vetgate.gate.saved import find_candidate, read_reports
from vetgate.host import Host
from vetgate.measure import Setting, against_baseline

_FIT = (Decision.PASS, Decision.WARN)
"""Decisions of reports that become a baseline without force."""


@dataclass(frozen=True)
class Baseline:
    """A saved report of one candidate."""

    name: str
    """As typed."""
    path: Path
    sha256: str
    """Of the file."""
    report: Report
    promotions: tuple[Promotion, ...]
    """First to last; the last is of this report."""
    report_sha256: str
    """Of the report alone, however the file wraps it."""

    @property
    def summary(self) -> BaselineSummary:
        """What a report that compares with it says of it."""
        return BaselineSummary(
            name=self.name,
            sha256=self.sha256,
            candidate=self.report.candidate.name,
            candidate_sha256=self.report.candidate.sha256,
            decision=self.report.verdict.decision,
            started=self.report.started,
            promotions=self.promotions,
        )

    def is_on(self, sha256: str) -> bool:
        """Return whether it was measured on the data of this digest."""
        return self.report.data is not None and self.report.data.sha256 == sha256

    def doubts(self, candidate: str | None) -> Iterator[str]:
        """Yield what a reader must know before trusting a comparison with it.

        Args:
            candidate: Digest of the candidate that is compared with it, where it is known.
        """
        decision, named = self.report.verdict.decision, f"the baseline {self.name}"
        if decision not in _FIT:
            yield f"the verdict of {named} itself is {decision.value}: not to be worse than it says little"
        if not self.promotions:
            how = "vetgate baseline REPORT.json --to FILE --owner WHO --reason WHY"
            yield f"nobody named {self.name} the baseline: {how}"
        if candidate is not None and candidate == self.report.candidate.sha256:
            yield f"the candidate is the very file of {named}: it was compared with itself"

    def compare(self, evidence: Sequence[Evidence], setting: Setting, host: Host, rules: Sequence[Rule]) -> Evidence:
        """Return how the candidate of a run differs from this one's; see `measure.against_baseline`."""
        return against_baseline(evidence, setting, self.report, host.checks(), rules)


def load_baseline(named: str) -> Baseline:
    """Return a saved report.

    Args:
        named: Its file; `FILE#CANDIDATE` where the file holds several.

    Raises:
        UsageError: It is not there, no report of this version of vetgate, holds several reports of which none is named,
            or is not as it was when it was made the baseline.
    """
    try:
        named.encode()
    except UnicodeEncodeError:
        told = f"the baseline {named!r} has a name that no report can hold: it is no UTF-8"
        raise UsageError(told, hint="rename the file") from None
    path, candidate = _split(named)
    _require_file(path)
    read = read_reports(path, "the baseline")
    saved = read.reports
    place = _place(saved, path, candidate)
    digest = _digest(json.loads(read.content)["reports"][place])
    if saved.promotions and saved.promotions[-1].report_sha256 != digest:
        last = saved.promotions[-1]
        raise UsageError(
            f"{path} does not hold the report that {last.owner} made the baseline on {last.at.date().isoformat()}: it "
            "has been changed since",
            hint=f"restore it, or name a new one: vetgate baseline REPORT.json --to {path} --owner WHO --reason WHY",
        )
    return Baseline(named, path, read.sha256, saved.reports[place], saved.promotions, digest)


def promote(
    report: Baseline, former: Baseline | None, *, owner: str, reason: str, at: datetime.datetime, force: bool
) -> ReportSet:
    """Return the content of a baseline file: one report, and who made which one the baseline before and now.

    Args:
        report: What becomes the baseline.
        former: What is the baseline so far, whose history goes on.
        owner: Who answers for it.
        reason: Why.
        at: When.
        force: Whether a report that failed or was inconclusive may become the baseline; the reason then says so.

    Raises:
        UsageError: The report neither passes nor warns, or it is the baseline already.
    """
    decision = report.report.verdict.decision
    if decision not in _FIT:
        if not force:
            raise UsageError(
                f"the verdict of {report.name} is {decision.value}: {report.report.verdict.because}",
                hint="make a report that passes the baseline, or say --force; the history will tell",
            )
        reason = f"{reason} (forced: its verdict was {decision.value})"
    if former is not None and former.promotions and former.report_sha256 == report.report_sha256:
        raise UsageError(f"{report.name} is the baseline of {former.name} already")
    act = Promotion(
        owner=owner,
        reason=reason,
        at=at,
        report_sha256=_digest(json.loads(report.report.model_dump_json())),
        replaces=former.report_sha256 if former and former.report_sha256 != report.report_sha256 else None,
    )
    return ReportSet(reports=(report.report,), promotions=(*(former.promotions if former else ()), act))


def _split(named: str) -> tuple[Path, str | None]:
    """Return the file and the candidate that are named; a file may have a `#` in its name."""
    path, hash_sign, candidate = named.rpartition("#")
    if not hash_sign or Path(named).exists():
        return Path(named), None
    return Path(path), candidate


def _require_file(path: Path) -> None:
    """Refuse what is not there or is no regular file: a run reads its baseline again."""
    try:
        if not path.exists():
            raise UsageError(f"the baseline {path} does not exist")
        if not path.is_file():
            raise UsageError(f"the baseline {path} is no regular file", hint="name a saved report: REPORT.json")
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"the baseline {path} cannot be read: {told}") from None


def _place(saved: ReportSet, path: Path, candidate: str | None) -> int:
    """Return which report of a file is meant."""
    names = [report.candidate.name for report in saved.reports]
    if candidate is None:
        if len(names) == 1:
            return 0
        raise UsageError(
            f"{path} holds reports of {len(names)} candidates: {', '.join(names)}", hint=f"name one: {path}#{names[0]}"
        )
    return find_candidate(saved, path, candidate)


def _digest(report: object) -> str:
    """Return the SHA-256 of a report's canonical JSON, which wrapping and indenting do not change."""
    return hashlib.sha256(json.dumps(report, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
