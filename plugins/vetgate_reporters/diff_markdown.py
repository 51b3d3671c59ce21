"""The difference of two reports in GitHub-flavoured Markdown, for comments and job summaries: as on a terminal.

GitHub takes comments of up to 65,536 characters. What does not fit is left out from the end, and a line says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from vetgate.reporting import CandidateDifference, Difference, FindingChange
from vetgate.wording import change
from vetgate.wording import difference as words
from vetgate.wording.text import counted
from vetgate_reporters.escape import code, prose
from vetgate_reporters.markdown_table import folded, listing, table

LONGEST = 60_000
"""Characters of the document."""
ROWS = (100, 30, 10, 3)
"""Rows of each table, from the most on; the first with which the document fits is taken."""
CANDIDATES = 30
"""Candidates with a section of their own."""
ENDING = "_Parts that are too long were left out; they stand in the JSON report._"


class DiffMarkdown:
    """Writes at most `LONGEST` characters."""

    def draw(self, document: Difference) -> str:
        """Return the document that shows most and fits."""
        blocks: list[str] = []
        for most in ROWS:
            blocks = _document(document, most)
            if len(_joined(blocks)) <= LONGEST:
                return _joined(blocks)
        kept: list[str] = []
        for block in blocks:
            if len(_joined([*kept, block, ENDING])) <= LONGEST:
                kept.append(block)
        return _joined([*kept, ENDING])


def _joined(blocks: Sequence[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _document(document: Difference, most: int) -> list[str]:
    blocks = [f"## {words.mark(document)} {prose(words.lead(document))}"]
    lines = [f"- old: {code(document.old.name, 100)}", f"- new: {code(document.new.name, 100)}"]
    for title, names in (("candidates gone", document.gone), ("candidates new", document.added)):
        if names:
            lines.append(f"- {title}: {change.names([code(each) for each in names])}")
    blocks.append("\n".join(lines))
    for candidate in document.candidates[:CANDIDATES]:
        blocks += _candidate(candidate, most)
    if len(document.candidates) > CANDIDATES:
        blocks.append(f"_{counted(len(document.candidates) - CANDIDATES, 'candidate')} left out for length._")
    return [*blocks, f"_{words.tested_words(document)}_"]


def _candidate(candidate: CandidateDifference, most: int) -> list[str]:
    told = code(candidate.new, 100)
    if candidate.old != candidate.new:
        told = f"{code(candidate.old, 100)}, now {told}"
    blocks = [f"### {told}: {words.decisions_words(candidate)}"]
    if candidate.same:
        return [*blocks, "Both reports are one and the same."]
    blocks += _rules(candidate, most)
    blocks += _figures(candidate, most)
    blocks += _findings(candidate.findings, most)
    return blocks + _facts(candidate, most)


def _rules(candidate: CandidateDifference, most: int) -> list[str]:
    rows = words.rule_rows(candidate)
    blocks = [f"#### Rules: {words.rules_tally(candidate)}"]
    if rows:
        blocks += _table(["", "rule", "before", "now"], rows, _rule, most, "l")
    return blocks + _listing([row for row in rows if row.because], _reason, most)


def _rule(row: words.RuleRow) -> list[str]:
    return [row.told, code(row.rule), _lines(row.old), _lines(row.new)]


def _reason(row: words.RuleRow) -> str:
    return f"**{row.told} {code(row.rule)}**: {prose(row.because)}"


RowT = TypeVar("RowT")


def _table(
    head: Sequence[str], rows: Sequence[RowT], draw: Callable[[RowT], list[str]], most: int, align: str
) -> list[str]:
    """Return a table of the first rows, and how many more there are; what is left out is not drawn either."""
    return [table(head, [draw(row) for row in rows[:most]], most, align, total=len(rows))]


def _listing(items: Sequence[RowT], draw: Callable[[RowT], str], most: int) -> list[str]:
    return [listing([draw(item) for item in items[:most]], most, total=len(items))] if items else []


def _lines(text: str) -> str:
    return "<br>".join(prose(line) for line in text.split("\n"))


def _figures(candidate: CandidateDifference, most: int) -> list[str]:
    blocks = [f"#### Figures: {counted(len(candidate.figures), 'figure')}"]
    head = ["figure", "before", "now", "change", "p", "corrected"]
    for part in change.parts(candidate):
        tables = [_table(head, rows, _figure, most, "lr") for rows in (part.rows, part.sliced) if rows]
        shown = [block for drawn in tables for block in drawn]
        if part.quiet:
            shown.append(f"And {counted(part.quiet, 'figure')} of single slices.")
        title = f"{part.title} ({part.figures:,})"
        blocks += [folded(title, shown)] if part.reading in change.LESS_TOLD else [f"**{title}**", *shown]
    same = change.unchanged(candidate)
    if same:
        blocks.append(f"**No change ({len(same):,})**: {change.names([code(each) for each in same])}")
    for reading, title in change.SINGLES.items():
        blocks += _reasons(title, change.singles(candidate, reading), most)
    return blocks + _reasons("How they were compared", change.notes(candidate), most)


def _figure(row: change.FigureRow) -> list[str]:
    remark = f"<br>{prose(row.remark)}" if row.remark else ""
    change = "<br>".join(filter(None, (row.change, row.interval)))
    where = f"<br>{prose(row.where, 60)}" if row.where else ""
    return [code(row.metric) + where + remark, row.old, row.new, change, _chance(row.p), _chance(row.corrected)]


def _chance(text: str) -> str:
    return text.replace("<", "&lt;")


def _reasons(title: str, reasons: Sequence[tuple[str, str]], most: int) -> list[str]:
    if not reasons:
        return []
    return [f"**{title}**", *_listing(reasons, _single, most)]


def _single(reason: tuple[str, str]) -> str:
    return f"{prose(reason[0])}: {prose(reason[1])}"


def _findings(findings: Sequence[FindingChange], most: int) -> list[str]:
    if not findings:
        return []
    return [f"#### Findings: {counted(len(findings), 'difference')}", *_listing(findings, _finding, most)]


def _finding(one: FindingChange) -> str:
    found = one.finding
    return f"**{one.reading.value}**, {found.severity.name.lower()} {code(found.rule)}: {prose(found.message)}"


def _facts(candidate: CandidateDifference, most: int) -> list[str]:
    rows = words.fact_rows(candidate)
    if not rows:
        return ["Models, data, policy and environment are the same."]
    return [folded(f"What else differs ({len(rows):,})", _table(["", "before", "now"], rows, _fact, most, "l"))]


def _fact(row: tuple[str, str, str]) -> list[str]:
    what, old, new = row
    return [prose(what, 60), code(old), code(new)]
