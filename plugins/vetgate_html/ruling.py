"""Rulings as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vetgate.reporting import Decision, Report
from vetgate.wording import rulings
from vetgate_html.figure import Places

MOST = 1_000
"""Rulings of one candidate on a page, the worst first."""
FEWEST = 8
"""The same where there is room for little else."""


@dataclass(frozen=True)
class RulingRow:
    """One rule, and what became of it."""

    id: str
    rule: str
    words: str
    decision: Decision
    because: str
    observed: str
    interval: str
    asked: str
    decided_by: str
    remarks: tuple[str, ...]
    evidence: str
    """Id of where the figure stands; empty where none does."""


@dataclass(frozen=True)
class Rulings:
    """The table of one candidate."""

    rows: tuple[RulingRow, ...]
    """Worst first."""
    of: int
    """Rulings that there are."""
    tally: tuple[tuple[Decision, int], ...]
    """How many of the rows there are of each decision, worst first; those of which there are none are left out."""
    told: str
    """How many of all rulings there are of each decision."""


def rulings_of(report: Report, places: Places, most: int = MOST) -> Rulings:
    """Return the rulings of a report, the worst `most` of them."""
    ordered = sorted(_rows(report, places), key=lambda row: -row.decision.rank)
    rows = tuple(ordered[:most])
    decisions = [row.decision for row in rows]
    counts = tuple((decision, decisions.count(decision)) for decision in reversed(Decision) if decision in decisions)
    return Rulings(rows, len(ordered), counts, rulings.tally(row.decision for row in ordered))


def _rows(report: Report, places: Places) -> Iterator[RulingRow]:
    for number, ruling in enumerate(report.verdict.rulings):
        yield RulingRow(
            id=places.rule(number),
            rule=ruling.rule,
            words=ruling.words,
            decision=ruling.decision,
            because=ruling.because,
            observed=rulings.observed(ruling),
            interval=rulings.interval(ruling),
            asked=rulings.asked(ruling),
            decided_by=rulings.decided_by(ruling),
            remarks=tuple(rulings.remarks(ruling)),
            evidence=places.of_ruling.get(number, ""),
        )
