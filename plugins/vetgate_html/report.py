"""The report as one page: the decision and why, the rulings, charts, images, evidence, and what repeats the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from vetgate.reporting import Decision, Report, ReportSet
from vetgate.wording import rulings
from vetgate.wording.provenance import promotion_words
from vetgate.wording.text import counted, name
from vetgate_html.candidate import Candidate, Detail, candidate_of
from vetgate_html.charts import Drawn, overall
from vetgate_html.page import filled, page

LONGEST = 4_000_000
"""Bytes of all candidates' parts."""
LEAST = 16_000
"""Bytes that are kept free for each candidate still to come."""
DRAWN = 8
"""Candidates with charts and images, the worst: drawing takes time."""
SUMMARY = 1_000
"""Candidates in the table of all."""
RULES = 5
"""Rules with a column of their own in that table."""
NAMED = 30
"""Candidates in the table of contents."""
PROMOTIONS = 20


@dataclass(frozen=True)
class SummaryRow:
    """One candidate among several."""

    part: str
    """Id of its part of the page; empty where it has none."""
    name: str
    decision: Decision
    images: str
    cells: tuple[tuple[Decision | None, str], ...]
    """Under each rule of the table."""


@dataclass(frozen=True)
class Summary:
    """Several candidates side by side."""

    rules: tuple[str, ...]
    hidden: tuple[str, ...]
    """Rules without a column."""
    rows: tuple[SummaryRow, ...]
    of: int
    """Candidates that there are."""


class HtmlReporter:
    """Writes one page that needs nothing beside it. Pure: the same reports give the same page."""

    def render(self, reports: ReportSet) -> str:
        """Return the document, under 5 MB however large the reports are."""
        ordered = rulings.candidates_worst_first(reports.reports)
        several = len(ordered) > 1
        drawn = overall(reports)
        parts = list(_parts(ordered, () if several else drawn))
        values = {
            "title": _title(reports, ordered),
            "decision": reports.decision,
            "several": several,
            "reports": ordered,
            "lead": ordered[0],
            "tally": rulings.tally(report.verdict.decision for report in ordered),
            "summary": _summary(reports, ordered, len(parts)) if several else None,
            "drawn": drawn if several else (),
            "parts_of": [text for _, text in parts],
            "contents": _contents([shown for shown, _ in parts], several=several),
            "left_out": len(ordered) - len(parts),
            "promotions": [promotion_words(act) for act in reports.promotions[-PROMOTIONS:]],
        }
        return page("report.html", values)


_Part = tuple[Candidate, Markup]


def _parts(ordered: Sequence[Report], also: Sequence[Drawn]) -> Iterator[_Part]:
    """Yield each candidate with its part of the page, in the fullest detail that leaves room for the others.

    Once there was no room for a candidate's figures there is none for those of later ones.
    """
    several = len(ordered) > 1
    room, fullest = LONGEST, Detail.FULL
    for number, report in enumerate(ordered, start=1):
        own = room - LEAST * (len(ordered) - number)
        fullest = min(fullest, Detail.FULL if number <= DRAWN else Detail.FIGURES)
        for detail in reversed(Detail):
            if detail > fullest:
                continue
            shown = candidate_of(report, number, detail)
            values = {"shown": shown, "level": 3 if several else 2, "several": several, "also": also}
            text = filled("candidate.html", values)
            size = len(text.encode())
            if size <= own or detail is Detail.RULES:
                break
            fullest = Detail(detail - 1)
        room -= size
        if room < 0:
            return
        yield shown, Markup(text)  # noqa: S704  # a template escaped it


def _title(reports: ReportSet, ordered: Sequence[Report]) -> str:
    """Return what the tab of a browser says."""
    word = reports.decision.value.upper()
    if len(ordered) > 1:
        return f"{word}: {counted(len(ordered), 'candidate')}"
    return f"{word}: {name(ordered[0].candidate.name)} against {name(ordered[0].reference.name)}"


def _contents(shown: Sequence[Candidate], *, several: bool) -> list[tuple[str, str]]:
    """Return id and title of what the page can be entered by."""
    if not several:
        return [entry for candidate in shown for entry in candidate.contents]
    named = [(candidate.id, name(candidate.report.candidate.name, 40)) for candidate in shown[:NAMED]]
    return [("all", "All candidates"), *named]


def _summary(reports: ReportSet, ordered: Sequence[Report], parts: int) -> Summary:
    """Return the table of all candidates, worst first, the rules that hold most back in its first columns."""
    rules = rulings.rules_worst_first(reports)
    rows = (
        SummaryRow(
            part=f"c{number}" if number <= parts else "",
            name=report.candidate.name,
            decision=report.verdict.decision,
            images=f"{report.data.images:,}" if report.data is not None else "–",
            cells=tuple(rulings.cell(report, rule) for rule in rules[:RULES]),
        )
        for number, report in enumerate(ordered[:SUMMARY], start=1)
    )
    return Summary(tuple(rules[:RULES]), tuple(rules[RULES : RULES + NAMED]), tuple(rows), len(ordered))
