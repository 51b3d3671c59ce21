"""The report in GitHub-flavoured Markdown, for comments and job summaries: the same order as on a terminal.

What does not fit is left out from the end of the evidence, and a line says how much. GitHub takes comments of up to
65,536 characters and summaries of up to 1 MiB, so a limit of either kind is held (`Room`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vetgate.reporting import Decision, Report, ReportSet, Ruling
from vetgate.wording import rulings
from vetgate.wording.head import head_lines
from vetgate.wording.provenance import promotion_words
from vetgate.wording.text import counted
from vetgate_reporters.escape import code, prose
from vetgate_reporters.markdown_evidence import evidence_blocks
from vetgate_reporters.markdown_table import listing, table

LONGEST = 60_000
"""Characters of the document, unless another room is given."""
_RULES = 6
"""Rules with a column of their own in the table of many candidates."""
FEWEST_REASONS = 5
"""Reasons of one candidate where there is room for nothing else."""


PROMOTIONS = 5
"""The latest acts that made a report a baseline."""


@dataclass(frozen=True)
class Budget:
    """How much may be shown."""

    rows: int
    """Rows of one table of the evidence; with none the evidence is left out."""
    rulings: int
    """Rulings of one candidate, worst first; with none only the reasons of those that do not pass."""
    summary: int
    """Rows of the table of candidates."""
    candidates: int
    """Candidates with a section of their own, worst first."""


@dataclass(frozen=True)
class Room:
    """How long a document may be."""

    characters: int
    bytes: int | None = None
    """In UTF-8; None where only characters count."""

    def holds(self, text: str) -> bool:
        """Return whether a text fits."""
        return len(text) <= self.characters and (self.bytes is None or len(text.encode()) <= self.bytes)

    def less(self, text: str) -> Room:
        """Return what is left beside a text."""
        return Room(self.characters - len(text), None if self.bytes is None else self.bytes - len(text.encode()))


_AMPLE = (
    Budget(rows=2_000, rulings=5_000, summary=2_000, candidates=500),
    Budget(rows=500, rulings=2_000, summary=1_000, candidates=500),
)
"""Tried first where there is much more room than a comment has."""
_BUDGETS = (
    Budget(rows=200, rulings=200, summary=500, candidates=500),
    Budget(rows=60, rulings=200, summary=500, candidates=500),
    Budget(rows=20, rulings=100, summary=200, candidates=200),
    Budget(rows=8, rulings=50, summary=200, candidates=200),
    Budget(rows=0, rulings=30, summary=100, candidates=100),
    Budget(rows=0, rulings=0, summary=200, candidates=200),
    Budget(rows=0, rulings=0, summary=100, candidates=30),
    Budget(rows=0, rulings=0, summary=100, candidates=10),
    Budget(rows=0, rulings=0, summary=20, candidates=2),
)


class MarkdownReporter:
    """Writes as much as there is room for.

    Args:
        room: How long the document may be.
        first: A line before everything else, which counts, too.
    """

    def __init__(self, room: Room = Room(LONGEST), first: str = "") -> None:
        self._opening = f"{first}\n\n" if first else ""
        self._room = room.less(self._opening)

    def render(self, reports: ReportSet) -> str:
        """Return the document that shows most and fits."""
        blocks: list[str] = []
        for budget in (*(_AMPLE if self._room.characters > 4 * LONGEST else ()), *_BUDGETS):
            blocks = _document(reports, budget)
            text = _joined(blocks)
            if self._room.holds(text):
                return self._opening + text
        return self._opening + _joined(_fitting(blocks, self._room))


def _joined(blocks: Sequence[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _fitting(blocks: Sequence[str], room: Room) -> list[str]:
    """Return the blocks that fit, in order: the last resort against sentences that are nothing but marks."""
    ending = "_Parts that are too long were left out; they stand in the JSON report._"
    room = room.less(f"{ending}\n")
    kept = []
    for block in blocks:
        if room.holds(f"{block}\n\n"):
            kept.append(block)
            room = room.less(f"{block}\n\n")
    return [*kept, ending]


def _document(reports: ReportSet, budget: Budget) -> list[str]:
    ordered = rulings.candidates_worst_first(reports.reports)
    blocks = _summary(reports, ordered, budget) if len(ordered) > 1 else []
    for report in ordered[: budget.candidates]:
        blocks += _report(report, budget)
    blocks += [f"Named a baseline {prose(promotion_words(act))}" for act in reports.promotions[-PROMOTIONS:]]
    if not budget.rows:
        blocks.append("_All evidence was left out for length; it stands in the JSON report._")
    if len(ordered) > budget.candidates:
        missing = counted(len(ordered) - budget.candidates, "candidate")
        blocks.append(f"_The sections of {missing} were left out for length; they stand in the JSON report._")
    return blocks


def _summary(reports: ReportSet, ordered: Sequence[Report], budget: Budget) -> list[str]:
    """Return the table of many candidates: one row each, one column a rule, the rules that hold most back first."""
    first = reports.reports[0]
    tally = rulings.tally(report.verdict.decision for report in ordered)
    rules = rulings.rules_worst_first(reports)
    rows = [
        [
            rulings.marked(report.verdict.decision),
            code(report.candidate.name),
            f"{report.data.images:,}" if report.data is not None else "–",
            *(rulings.cell(report, rule)[1] for rule in rules[:_RULES]),
        ]
        for report in ordered
    ]
    blocks = [
        f"## {rulings.headline(reports.decision)}: {counted(len(ordered), 'candidate')}, {tally}",
        f"Against {code(first.reference.name)} under policy {code(first.policy.name)}.",
        table(["decision", "candidate", "images", *map(code, rules[:_RULES])], rows, budget.summary, "llr"),
    ]
    blocks.append(rulings.LEGEND)
    if len(rules) > _RULES:
        hidden = rules[_RULES : _RULES + 20]
        more = f" and {len(rules) - _RULES - len(hidden)} more" if len(rules) > _RULES + len(hidden) else ""
        blocks.append(f"Not in this table: {', '.join(code(rule) for rule in hidden)}{more}.")
    return blocks


def _report(report: Report, budget: Budget) -> list[str]:
    candidate, reference = code(report.candidate.name, 100), code(report.reference.name, 100)
    lines = [
        f"- {line.label}: {', '.join([*(code(each, 100) for each in line.names), *filter(None, [prose(line.told)])])}"
        for line in head_lines(report)
    ]
    blocks = [
        f"## {rulings.headline(report.verdict.decision)}: {candidate} against {reference}",
        f"**Why:** {prose(report.verdict.because)}",
    ]
    ordered = rulings.worst_first(report.verdict.rulings)
    if not budget.rulings:
        return blocks + _reasons(ordered, FEWEST_REASONS)
    tally = rulings.tally(ruling.decision for ruling in ordered)
    head = ["decision", "rule", "observed", "bounds", "asked", "decided by", "n"]
    blocks += ["\n".join(lines), f"### Rules: {tally}"]
    rows = [_row(ruling) for ruling in ordered[: budget.rulings]]
    blocks.append(table(head, rows, budget.rulings, "llrrrlr", len(ordered)))
    return blocks + _reasons(ordered, budget.rulings) + evidence_blocks(report, budget.rows)


def _reasons(ordered: Sequence[Ruling], most: int) -> list[str]:
    told = [ruling for ruling in ordered if ruling.decision is not Decision.PASS]
    return [listing([_reason(ruling) for ruling in told[:most]], most, len(told))] if told else []


def _row(ruling: Ruling) -> list[str]:
    remarks = "".join(f"<br>{prose(remark, 60)}" for remark in rulings.remarks(ruling))
    return [
        rulings.marked(ruling.decision),
        code(ruling.rule) + remarks,
        rulings.observed(ruling),
        rulings.interval(ruling),
        rulings.asked(ruling),
        prose(rulings.decided_by(ruling), 40),
        f"{ruling.n:,}" if ruling.n is not None and ruling.metric is not None else "",
    ]


def _reason(ruling: Ruling) -> str:
    rule = f"{rulings.marked(ruling.decision)} {code(ruling.rule)}"
    asked = f"<br>Rule: {prose(ruling.words)}" if ruling.observed is None else ""
    return f"**{rule}**: {prose(ruling.because)}{asked}"
