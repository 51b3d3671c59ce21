"""What candidates lost, as text for people: several side by side first, then each with its figures and exhibits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.text import Text

from vetgate.reporting import (
    CONCEPT,
    Counts,
    Finding,
    Measurement,
    Of,
    Outcome,
    Report,
    ReportSet,
    Severity,
    Table,
    format_quantity,
    side_by_side,
)
from vetgate.wording.head import head_lines
from vetgate.wording.text import common_folder, name, sentence
from vetgate_reporters.evidence_pages import draw_evidence, draw_exhibit
from vetgate_reporters.page import Column, Page

Shown = Callable[[str], str]
"""Makes a name harmless and fit for the document."""
BESIDE = "Candidates side by side"
ADVICE = "Nothing is judged: this is advice on what to look at."


class ExplanationReporter:
    """Draws plain or coloured text of a given width. Pure.

    Args:
        width: Columns to draw for.
        colour: Whether to write ANSI styles.
    """

    def __init__(self, width: int = 100, colour: bool = False) -> None:
        self._width, self._colour = width, colour

    def styled(self, width: int, colour: bool) -> ExplanationReporter:
        """Return the reporter for a terminal of `width` columns."""
        return ExplanationReporter(width, colour)

    def render(self, reports: ReportSet) -> str:
        """Return the whole explanation."""
        page = Page(self._width, self._colour)
        many = len(reports.reports) > 1
        for table in comparisons(reports):
            _draw_comparison(page, table) if table.title == BESIDE else draw_exhibit(page, table)
        for number, report in enumerate(reports.reports, start=1):
            if many:
                page.line()
                page.line(f"═══ candidate {number} of {len(reports.reports)} ".ljust(page.width, "═"), style="bold")
            _draw_report(page, report)
        page.line()
        page.line(ADVICE, style="dim")
        return page.text()


def _draw_comparison(page: Page, table: Table) -> None:
    """Draw every row: what candidates share is told by no other table."""
    page.part(table.title)
    columns = [
        Column(table.columns[0], whole=True),
        *(Column(name(title, 30), number=True) for title in table.columns[1:]),
    ]
    page.table(columns, [["–" if cell is None else str(cell) for cell in row] for row in table.rows])


def _draw_report(page: Page, report: Report) -> None:
    page.line(Text(title(report, lambda text: name(text, 100)), style="bold"))
    for lead in leads(report):
        page.line(sentence(lead))
    page.line()
    page.pairs(
        [
            (line.label, " · ".join([*(name(each, 100) for each in line.names), *filter(None, [sentence(line.told)])]))
            for line in head_lines(report)
            if line.label != "policy"
        ]
    )
    draw_evidence(page, without_form(report))


def leads(report: Report) -> list[str]:
    """Return what checks say of everything that they found, in a sentence each: findings named `....summary`."""
    told = [found.message for item in report.evidence for found in item.findings if _is_lead(found)]
    return [f"{message[:1].upper()}{message[1:]}." for message in told]


def _is_lead(found: Finding) -> bool:
    return found.rule.endswith(".summary")


def without_form(report: Report) -> Report:
    """Return a report without checks that measured no figure and found nothing, and without what `leads` tells."""
    kept = [
        item for item in report.evidence if item.measurements or item.findings or item.outcome is not Outcome.MEASURED
    ]
    told = [
        item.model_copy(update={"findings": tuple(found for found in item.findings if not _is_lead(found))})
        for item in kept
    ]
    return report.model_copy(update={"evidence": tuple(told)})


def title(report: Report, shown: Shown) -> str:
    """Return what a section is about; a candidate that was not explained says so."""
    candidate, reference = shown(report.candidate.name), shown(report.reference.name)
    if any(item.outcome is not Outcome.MEASURED for item in report.evidence):
        return f"NOT EXPLAINED: {candidate} against {reference}"
    return f"What {candidate} lost against {reference}"


def comparisons(reports: ReportSet) -> Iterator[Table]:
    """Yield the tables that set several candidates side by side."""
    if len(reports.reports) < 2:
        return
    names = _names(reports.reports)
    figures = [dict(_figures(report)) for report in reports.reports]
    labels = list(dict.fromkeys(label for found in figures for label in found))
    if labels:
        rows = [(label, *(found.get(label) for found in figures)) for label in labels]
        yield Table(title=BESIDE, columns=("figure", *names), rows=tuple(rows))
    counted = {shown: dict(_concepts(report)) for shown, report in zip(names, reports.reports, strict=True)}
    if len(counted) == len(reports.reports) and any(counted.values()):
        yield side_by_side(counted)


def _names(reports: Sequence[Report]) -> list[str]:
    folder = common_folder([report.candidate.name for report in reports])
    return [report.candidate.name[len(folder) :] for report in reports]


def _measurements(report: Report) -> Iterator[Measurement]:
    for item in report.evidence:
        yield from item.measurements


def _figures(report: Report) -> Iterator[tuple[str, str]]:
    """Yield label and value of each figure over all images, and the findings that take weight from them."""
    for figure in _measurements(report):
        if figure.slice is None:
            role = "" if figure.role in (Of.CANDIDATE, Of.PAIR) else f" ({figure.role})"
            yield f"{figure.metric}{role}", format_quantity(figure.value, figure.unit)
    for item in report.evidence:
        heavy = (found for found in item.findings if found.severity >= Severity.MEDIUM)
        yield from ((found.rule, found.severity.name.lower()) for found in heavy)


def _concepts(report: Report) -> Iterator[tuple[str, tuple[int, int]]]:
    for figure in _measurements(report):
        where, counts = figure.slice, figure.uncertainty
        if where is not None and where.by == CONCEPT and where.value and isinstance(counts, Counts):
            yield where.value, (counts.k, counts.n)
