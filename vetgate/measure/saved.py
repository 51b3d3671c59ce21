"""Two saved reports side by side: candidates matched, every figure, rule, finding and fact compared. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vetgate.domain.difference import CandidateDifference, Difference, FigureChange, Side
from vetgate.domain.report import Report
from vetgate.domain.specs import CheckSpec
from vetgate.measure.change import figure_changes, settle
from vetgate.measure.comparable import owners_of
from vetgate.measure.fact import facts
from vetgate.measure.rule_change import finding_changes, rule_changes


@dataclass(frozen=True)
class Saved:
    """A file of reports."""

    name: str
    """As typed."""
    sha256: str
    reports: tuple[Report, ...]
    """At least one: of all candidates that are compared."""

    @property
    def side(self) -> Side:
        """Return what a comparison says of it."""
        return Side(
            name=self.name,
            sha256=self.sha256,
            candidates=tuple(report.candidate.name for report in self.reports),
            vetgate=self.reports[0].environment.vetgate,
        )


def compare_saved(old: Saved, new: Saved, specs: Sequence[CheckSpec[Any]], confidence: float) -> Difference:
    """Return what got better, worse, new and gone.

    Candidates of one name are compared; where each file holds one alone, these are, whatever their names.

    Args:
        old: The earlier file.
        new: The later one.
        specs: Every check on offer.
        confidence: Of intervals, in (0.5, 1); 1 minus it is the chance that any figure of all candidates reads better
            or worse where none has changed.
    """
    pairs = list(_matched(old.reports, new.reports))
    owners = owners_of(specs)
    changes = [figure_changes(then, now, owners, confidence) for then, now in pairs]
    settled = iter(settle([change for each in changes for change in each], confidence))
    met = {id(report) for pair in pairs for report in pair}
    return Difference(
        old=old.side,
        new=new.side,
        confidence=confidence,
        tested=sum(change.p is not None for each in changes for change in each),
        candidates=tuple(
            _candidate(then, now, tuple(next(settled) for _ in each))
            for (then, now), each in zip(pairs, changes, strict=True)
        ),
        gone=tuple(report.candidate.name for report in old.reports if id(report) not in met),
        added=tuple(report.candidate.name for report in new.reports if id(report) not in met),
    )


def _matched(old: Sequence[Report], new: Sequence[Report]) -> Iterator[tuple[Report, Report]]:
    if len(old) == len(new) == 1:
        yield old[0], new[0]
        return
    waiting: dict[str, list[Report]] = {}
    for report in old:
        waiting.setdefault(report.candidate.name, []).append(report)
    for report in new:
        same_name = waiting.get(report.candidate.name)
        if same_name:
            yield same_name.pop(0), report


def _candidate(old: Report, new: Report, figures: tuple[FigureChange, ...]) -> CandidateDifference:
    rules, same = rule_changes(old.verdict.rulings, new.verdict.rulings)
    return CandidateDifference(
        old=old.candidate.name,
        new=new.candidate.name,
        same=old == new,
        decisions=(old.verdict.decision, new.verdict.decision),
        because=(old.verdict.because, new.verdict.because),
        started=(old.started, new.started),
        figures=figures,
        rules=rules,
        rules_same=same,
        findings=finding_changes(old.evidence, new.evidence),
        facts=facts(old, new),
    )
