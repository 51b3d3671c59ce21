"""The difference of two reports as one page: what got worse leads, then rules, figures and what else differs."""

from __future__ import annotations

from dataclasses import dataclass

from vetgate.reporting import CandidateDifference, Decision, Difference, FindingChange, Reading
from vetgate.wording import change
from vetgate.wording import difference as words
from vetgate_html.page import page

MOST = {"rules": 500, "rows": 200, "findings": 200, "facts": 200}
"""What is listed of one candidate: rules that differ, figures of one table, findings, facts."""
FEWEST = 5
"""What is listed of each of many."""
CANDIDATES = 50
"""Candidates with a part of their own."""
_WORDS = {Reading.WORSE: "worse", Reading.BETTER: "better"}


@dataclass(frozen=True)
class Part:
    """The figures of one reading."""

    title: str
    reading: str
    """Names a style: `worse`, `better`, or empty."""
    folded: bool
    tables: tuple[tuple[str, tuple[change.FigureRow, ...]], ...]
    """What the rows of each are of."""
    tested: bool
    """Whether any row has a p-value."""
    left: int
    """Figures that are in no table."""


@dataclass(frozen=True)
class Candidate:
    """One candidate's part of the page."""

    id: str
    difference: CandidateDifference
    rules: tuple[words.RuleRow, ...]
    rules_told: str
    parts: tuple[Part, ...]
    unchanged: tuple[str, ...]
    singles: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """Titles, and figures by their reasons."""
    findings: tuple[FindingChange, ...]
    facts: tuple[tuple[str, str, str], ...]


class DiffPage:
    """Writes one page that needs nothing beside it. Pure: the same difference gives the same page."""

    def draw(self, document: Difference) -> str:
        """Return the document."""
        listed = document.candidates[:CANDIDATES]
        limits = {what: max(FEWEST, most // max(1, len(listed))) for what, most in MOST.items()}
        shown = [_candidate(each, number, limits["rows"]) for number, each in enumerate(listed, start=1)]
        headline, decision = _headline(document)
        values = {
            "title": f"{headline}: {document.old.name} and {document.new.name}",
            "headline": headline.upper(),
            "decision": decision.value,
            "mark": words.mark(document),
            "lead": words.lead(document),
            "tested": words.tested_words(document),
            "document": document,
            "shown": shown,
            "several": len(document.candidates) > 1,
            "left_out": len(document.candidates) - len(shown),
            "limits": limits,
            "decisions_words": words.decisions_words,
        }
        return page("diff.html", values)


def _headline(document: Difference) -> tuple[str, Decision]:
    """Return the word that leads, and the decision whose colour the page takes; nothing is judged."""
    if not document.comparable:
        return "not comparable", Decision.INCONCLUSIVE
    if document.worse:
        return "worse", Decision.FAIL
    readings = {figure.reading for figure in document.figures()}
    if Reading.BETTER in readings:
        return "better", Decision.PASS
    same = all(candidate.same for candidate in document.candidates)
    return "no change" if same else "no clear change", Decision.PASS


def _candidate(candidate: CandidateDifference, number: int, most: int) -> Candidate:
    singles = [(title, change.singles(candidate, reading)) for reading, title in change.SINGLES.items()]
    singles.append(("How they were compared", change.notes(candidate)))
    return Candidate(
        id=f"c{number}",
        difference=candidate,
        rules=words.rule_rows(candidate),
        rules_told=words.rules_tally(candidate),
        parts=tuple(_part(part, most) for part in change.parts(candidate)),
        unchanged=change.unchanged(candidate),
        singles=tuple((title, reasons) for title, reasons in singles if reasons),
        findings=candidate.findings,
        facts=words.fact_rows(candidate),
    )


def _part(part: change.Part, most: int) -> Part:
    rows, sliced = part.rows[:most], part.sliced[:most]
    named = (("over all images", rows), ("of single slices", sliced))
    return Part(
        title=f"{part.title} ({part.figures:,})",
        reading=_WORDS.get(part.reading, ""),
        folded=part.reading in change.LESS_TOLD,
        tables=tuple((of, each) for of, each in named if each),
        tested=any(row.p for row in (*rows, *sliced)),
        left=part.figures - len(rows) - len(sliced),
    )
