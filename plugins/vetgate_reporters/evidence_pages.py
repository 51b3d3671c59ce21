"""The middle of the text report: figures, slices, exhibits, findings, and what was not measured."""

from __future__ import annotations

import textwrap
from itertools import accumulate

from rich.text import Text

from vetgate.reporting import Exhibit, Gallery, Report, Table, Unit, format_quantity
from vetgate.wording import sections
from vetgate.wording.figures import BOUNDS_TOLD
from vetgate.wording.gallery import as_table
from vetgate.wording.head import further_warnings
from vetgate.wording.sections import Section
from vetgate.wording.slices import further_slices, slice_tables
from vetgate.wording.text import counted, name, sentence
from vetgate_reporters.figure_table import BASIS_FIRST, LAYOUTS, draw_figures
from vetgate_reporters.page import Column, Page
from vetgate_reporters.provenance_pages import draw_ran

MOST_ROWS = 12
"""Rows of an exhibit in the text report."""
MOST_SHOTS = 5
"""Images of a gallery, likewise."""
NARROW_COLUMNS = 6
"""Columns of an exhibit where each row stands on lines of its own."""
LEAST_HEAD = 9
"""Columns that the title of a narrow column has before it goes on below."""
MOST_FINDINGS = 100
"""Findings, the gravest first."""
MOST_NOTES = 8
"""Notes on the figures of one table."""


def draw_evidence(page: Page, report: Report, *, exhibits: bool = True) -> None:
    """Draw everything that was measured, found, skipped and run.

    Args:
        page: The page.
        report: Of one candidate.
        exhibits: Whether to draw tables by class and exhibits too; among many candidates they are only counted.
    """
    page.heading("Evidence")
    _draw_sections(page, report, exhibits=exhibits)
    if exhibits:
        _draw_slices(page, report)
        for group in sections.grouped(sections.exhibits(report)):
            draw_exhibit(page, *group)
    _draw_findings(page, report)
    _draw_gaps(page, report)
    draw_ran(page, report)
    _draw_left_out(page, report, exhibits=exhibits)
    warnings = further_warnings(report)
    if warnings:
        page.part("Further warnings")
        page.pairs([("!", sentence(warning)) for warning in warnings], indent=4)


def _draw_sections(page: Page, report: Report, *, exhibits: bool) -> None:
    shown = sections.sections(report)
    if not shown:
        page.line("Nothing was measured.", indent=2)
    bounded = []
    for section in shown:
        page.line()
        layouts = BASIS_FIRST if section.of == sections.PAIR else LAYOUTS
        bounded.append(draw_figures(page, section.of, section.rows, layouts))
        _draw_notes(page, section)
        if section.of == sections.PAIR and sections.lacks_yardstick(report):
            page.line(sections.NO_YARDSTICK, style="dim", indent=2)
        if exhibits and section.of == sections.OPSCORE:
            for exhibit in sections.parts_of_scores(report):
                draw_exhibit(page, exhibit)
    if any(bounded):
        page.line()
        page.line(BOUNDS_TOLD, style="dim", indent=2)


def _draw_notes(page: Page, section: Section) -> None:
    for note in section.notes[:MOST_NOTES]:
        page.line(sentence(note), style="dim", indent=2)
    if len(section.notes) > MOST_NOTES:
        told = counted(len(section.notes) - MOST_NOTES, "note")
        page.line(f"and {told} more, in the JSON report", style="dim", indent=2)


def _draw_slices(page: Page, report: Report) -> None:
    for table in slice_tables(report):
        page.part(table.title(name))
        draw_figures(page, table.of, table.rows, BASIS_FIRST)
    more = further_slices(report)
    if more:
        page.line()
        page.line(sentence(more), style="dim", indent=2)


def _draw_left_out(page: Page, report: Report, *, exhibits: bool) -> None:
    """Draw what a report on many candidates has no room for."""
    count = len(sections.exhibits(report)) + len(sections.parts_of_scores(report))
    told = [counted(count, "exhibit")] if count else []
    told += ["the slices"] if slice_tables(report) else []
    if told and not exhibits:
        page.line()
        words = f"{' and '.join(told)}: check this candidate alone, or read the JSON report"
        page.line(words, style="dim", indent=2)


def draw_exhibit(page: Page, exhibit: Exhibit, *more: Exhibit) -> None:
    """Draw a table, what both models said to images, or say where pictures under one title stand."""
    page.part(name(exhibit.title, 100))
    if isinstance(exhibit, Gallery):
        _draw_table(page, as_table(exhibit), MOST_SHOTS)
    elif not isinstance(exhibit, Table):
        told = f"{len(more) + 1} pictures; they stand" if more else "A picture; it stands"
        page.line(f"{told} in the JSON report.", style="dim", indent=2)
    else:
        _draw_table(page, exhibit)
    for each in (exhibit, *more):
        if each.caption:
            page.line(sentence(each.caption), style="dim", indent=2)


def _draw_table(page: Page, table: Table, most: int = MOST_ROWS) -> None:
    """Draw the rows and columns that the page has room for, and say how many it has not."""
    shown = _shown(table, most)
    few = len(table.columns) <= NARROW_COLUMNS
    fitting = len(table.columns) * few if page.narrow else _fitting(table, shown, page.width - 2)
    if 2 * fitting <= len(table.columns):
        size = f"{counted(len(table.rows), 'row')} of {counted(len(table.columns), 'column')}"
        page.line(f"A table of {size}, too wide for this page; it stands in the JSON report.", style="dim", indent=2)
        return
    rows = [row[:fitting] for row in sections.cells(table, shown)]
    columns = [
        Column(title, number=not any(isinstance(row[index], str) for row in rows))
        for index, title in enumerate(_heads(table, shown)[:fitting])
    ]
    page.table(columns, [[_cell(value) for value in row] for row in rows])
    missing = ((len(table.rows) - len(rows), "row"), (len(table.columns) - fitting, "column"))
    told = " and ".join(counted(number, noun) for number, noun in missing if number)
    if told:
        page.line(f"and {told} more, in the JSON report", style="dim", indent=2)


def _fitting(table: Table, shown: int, room: int) -> int:
    """Return how many columns from the left fit."""
    ends = accumulate(width + 2 for width in _widths(table, shown))
    return sum(end - 2 <= room for end in ends)


def _shown(table: Table, most: int) -> int:
    """Return how many rows are drawn: a line that says how many are left out takes the place of no row or two."""
    return len(table.rows) if len(table.rows) <= most + 2 else most


def _contents(table: Table, shown: int) -> list[int]:
    """Return the columns of text that the cells of each column need."""
    rows = [[_cell(value) for value in row] for row in sections.cells(table, shown)]
    return [max((Text(row[index]).cell_len for row in rows), default=0) for index in range(len(table.columns))]


def _heads(table: Table, shown: int) -> list[str]:
    """Return the titles, on several lines where they are wider than what stands under them."""
    widths = [max(width, LEAST_HEAD) for width in _contents(table, shown)]
    titles = [name(title, 30) for title in table.columns]
    wrapped = [
        textwrap.wrap(title, width, break_long_words=False, break_on_hyphens=False)
        for title, width in zip(titles, widths, strict=True)
    ]
    return ["\n".join(lines) for lines in wrapped]


def _widths(table: Table, shown: int) -> list[int]:
    """Return the columns of text that each column needs."""
    heads = [max(Text(line).cell_len for line in f"{head}\n".split("\n")) for head in _heads(table, shown)]
    return [max(pair) for pair in zip(heads, _contents(table, shown), strict=True)]


def _cell(value: str | float | int | None) -> str:
    if isinstance(value, str):
        return name(value, 30)
    return format_quantity(value, Unit.COUNT if isinstance(value, int) else Unit.SCORE)


def _draw_findings(page: Page, report: Report) -> None:
    found = sections.findings(report)
    if found:
        page.part(f"Findings: {len(found)}")
    for finding in found[:MOST_FINDINGS]:
        place = f" ({name(finding.location, 100)})" if finding.location else ""
        head = Text.assemble((finding.severity.name.lower(), "bold"), f"  {name(finding.rule)}{place}")
        page.line(head, indent=4)
        page.line(sentence(finding.message), indent=6)
        if finding.advice:
            page.line(f"advice: {sentence(finding.advice)}", style="dim", indent=6)
    if len(found) > MOST_FINDINGS:
        told = counted(len(found) - MOST_FINDINGS, "finding")
        page.line(f"and {told} more, in the JSON report", style="dim", indent=4)


def _draw_gaps(page: Page, report: Report) -> None:
    """Draw what was not measured: the checks, and the images that could not be read."""
    missing = sections.not_measured(report)
    if missing:
        page.part("Not measured")
        page.pairs(
            [
                (name(entry.check), f"{entry.outcome.value}: {sentence(entry.reason or 'no reason given')}")
                for entry in missing
            ],
            indent=4,
        )
    unreadable = report.data.unreadable if report.data else ()
    if unreadable:
        page.part(f"Unreadable images: {len(unreadable):,}")
        page.line(", ".join(name(image) for image in unreadable[:MOST_ROWS]), indent=4)
        if len(unreadable) > MOST_ROWS:
            page.line(f"and {len(unreadable) - MOST_ROWS:,} more, named in the JSON report", style="dim", indent=4)
