"""One candidate as its part of the page shows it, in three measures of detail."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from vetgate.reporting import Evidence, Finding, FindingRule, Report, Table
from vetgate.wording import provenance, sections
from vetgate.wording.head import HeadLine, further_warnings, head_lines
from vetgate.wording.provenance import RunTable
from vetgate.wording.slices import further_slices
from vetgate_html.charts import Drawn, charts
from vetgate_html.exhibit import Exhibits, TableView, exhibits_of, table_view
from vetgate_html.figure import FigureTable, Places
from vetgate_html.ruling import FEWEST, MOST, Rulings, rulings_of

LONGEST_COMMAND = 8_000
"""Characters."""
LISTED = 200
"""Findings, checks, warnings, images or digests in one list."""


class Detail(IntEnum):
    """How much of a candidate is shown."""

    RULES = 0
    """The decision and the worst rulings."""
    FIGURES = 1
    """All but charts, pictures, galleries and tables of exhibits."""
    FULL = 2


@dataclass(frozen=True)
class Listed:
    """A list that is cut where it is long."""

    items: tuple[str, ...]
    of: int


@dataclass(frozen=True)
class Candidate:
    """All that is shown of one candidate."""

    id: str
    report: Report
    detail: Detail
    head: tuple[HeadLine, ...]
    rulings: Rulings
    drawn: tuple[Drawn, ...]
    figures: tuple[FigureTable, ...]
    parts: tuple[TableView, ...]
    """What the OpScore is made of."""
    slices: tuple[FigureTable, ...]
    further_slices: str
    exhibits: Exhibits
    findings: tuple[tuple[Finding, FindingRule | None], ...]
    """Each with what its rule means, where somebody declared that."""
    found: int
    """Findings that there are."""
    gaps: tuple[Evidence, ...]
    missing: int
    """Checks that did not measure."""
    warnings: Listed
    unreadable: Listed
    runs: tuple[RunTable, ...]
    digests: tuple[tuple[str, str], ...]
    digested: int
    acts: tuple[str, ...]
    """Promotions of the baseline."""
    measured: str
    started: str
    machine: str
    software: str
    command: str

    @property
    def contents(self) -> tuple[tuple[str, str], ...]:
        """Return id and title of the sections that it has, in order."""
        return tuple((f"{self.id}-{part}", title) for part, title in _contents(self))


def candidate_of(report: Report, number: int, detail: Detail) -> Candidate:
    """Return what is shown of a report.

    Args:
        report: Of one candidate.
        number: From 1, in the order of the page.
        detail: How much is shown.
    """
    own = f"c{number}"
    full, some = detail is Detail.FULL, detail > Detail.RULES
    places = Places(own, report) if some else Places.nowhere(own, report)
    found, gaps = sections.findings(report), sections.not_measured(report)
    digests = provenance.digests(report) if some else ()
    acts = report.baseline.promotions if report.baseline is not None and some else ()
    return Candidate(
        id=own,
        report=report,
        detail=detail,
        head=head_lines(report),
        rulings=rulings_of(report, places, MOST if some else FEWEST),
        drawn=charts(report, own) if full else (),
        figures=places.figures(),
        parts=tuple(table_view(each) for each in sections.parts_of_scores(report) if isinstance(each, Table)),
        slices=places.slices(),
        further_slices=further_slices(report),
        exhibits=exhibits_of(sections.exhibits(report) if full else ()),
        findings=tuple(_explained(report, found[:LISTED])) if some else (),
        found=len(found),
        gaps=gaps[:LISTED] if some else (),
        missing=len(gaps),
        warnings=_listed(further_warnings(report)),
        unreadable=_listed(report.data.unreadable if report.data is not None else ()),
        runs=provenance.run_tables(report) if some else (),
        digests=digests[:LISTED],
        digested=len(digests),
        acts=tuple(provenance.promotion_words(act) for act in acts[-LISTED:]),
        measured=provenance.measured(report) or "none",
        started=report.started.isoformat(sep=" ", timespec="seconds"),
        machine=_machine(report),
        software=provenance.software(report),
        command=shlex.join(provenance.command(report))[:LONGEST_COMMAND],
    )


def _explained(report: Report, found: Sequence[Finding]) -> Iterator[tuple[Finding, FindingRule | None]]:
    rules = {rule.id: rule for evidence in report.evidence for rule in evidence.rules}
    return ((finding, rules.get(finding.rule)) for finding in found)


def _listed(items: tuple[str, ...]) -> Listed:
    return Listed(items[:LISTED], len(items))


def _machine(report: Report) -> str:
    environment = report.environment
    cores = f"{environment.cores} {'core' if environment.cores == 1 else 'cores'}"
    return f"{environment.processor}, {cores}, {environment.memory / 1e9:.1f} GB · {environment.platform}"


def _contents(shown: Candidate) -> Iterator[tuple[str, str]]:
    some = shown.detail > Detail.RULES
    parts = (
        ("rules", "Rules", True),
        ("charts", "Charts", bool(shown.drawn)),
        ("gallery", "Images", bool(shown.exhibits.galleries)),
        ("evidence", "Evidence", some),
        ("slices", "Slices", bool(shown.slices)),
        ("tables", "Tables", bool(shown.exhibits.tables)),
        ("pictures", "Pictures", bool(shown.exhibits.pictures)),
        ("findings", "Findings", bool(shown.findings)),
        ("gaps", "Not measured", some and bool(shown.gaps or shown.warnings.items or shown.unreadable.items)),
        ("ran", "What ran", some),
        ("repeat", "To repeat it", some),
    )
    return ((part, title) for part, title, there in parts if there)
