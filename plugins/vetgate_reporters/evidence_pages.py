"""The second half of the text report: figures, findings, classes, what ran, and what pins and repeats the run."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from itertools import accumulate

from rich.text import Text

from vetgate.reporting import Exhibit, Of, Report, Table, Unit, format_quantity
from vetgate_reporters import figures
from vetgate_reporters.figures import Figure
from vetgate_reporters.page import Column, Page
from vetgate_reporters.text import counted, name, plain, sentence, stacked
from vetgate_reporters.worst_classes import worst_classes

MOST_ROWS = 12
"""Rows of an exhibit in the text report."""
LEAST_HEAD = 9
"""Columns that the title of a narrow column has before it goes on below."""
_READING_FROM = 90
_BASIS_FROM = 116
"""Columns from which there is room for the column."""
_INDENTED_FROM = 90
"""Columns from which a digest and its label stand indented on one line."""
_HEADS = {"reading": ""}


def draw_evidence(page: Page, report: Report, *, exhibits: bool = True) -> None:
    """Draw everything that was measured, found, skipped and run.

    Args:
        page: The page.
        report: Of one candidate.
        exhibits: Whether to draw tables by class and exhibits too; among many candidates they are only counted.
    """
    page.heading("Evidence")
    _draw_figures(page, report)
    _draw_pair_figures(page, report)
    _draw_notes(page, report)
    if exhibits:
        _draw_worst_classes(page, report)
        for exhibit in figures.exhibits(report):
            _draw_exhibit(page, exhibit)
    _draw_findings(page, report)
    _draw_gaps(page, report)
    _part(page, "What ran")
    ran = [(role, name(run, 300)) for role, run in figures.runs(report)]
    page.pairs([*ran, ("checks", sentence(figures.measured(report) or "none"))], indent=4)
    if figures.exhibits(report) and not exhibits:
        page.line()
        told = counted(len(figures.exhibits(report)), "exhibit")
        page.line(f"{told} and the classes: check this candidate alone, or read the JSON report", style="dim", indent=2)
    if report.warnings:
        _part(page, "Warnings")
        page.pairs([("!", sentence(warning)) for warning in report.warnings], indent=4)


def _part(page: Page, title: str) -> None:
    page.line()
    page.line(title, style="bold", indent=2)


def _draw_figures(page: Page, report: Report) -> None:
    rows = figures.figures(report)
    if not rows and not figures.pair_figures(report):
        page.line("Nothing was measured.", indent=2)
    if rows:
        page.line()
        _draw_rows(page, "of each model", [(row.metric, row) for row in rows])


def _draw_rows(page: Page, title: str, labelled: Sequence[tuple[str, Figure]]) -> None:
    """Draw figures with a column for whatever any of them has and the page has room for."""
    room = {"reading": _READING_FROM, "rests on": _BASIS_FROM}
    filled = [filled for filled in figures.titles(row for _, row in labelled) if page.width >= room.get(filled, 0)]
    columns = [Column(title, least=12)]
    columns += [Column(_HEADS.get(title, title), number=title not in room, whole=title in room) for title in filled]
    rows: list[list[str | Text]] = [
        [_label(page, label), *(_styled(row.texts()[title]) for title in filled)] for label, row in labelled
    ]
    page.table(columns, rows)


def _label(page: Page, label: str) -> str:
    """Return the name of a row, on several lines where the page is narrower than four figures need."""
    return stacked(name(label), max(12, page.width - 50))


def _styled(text: str) -> Text:
    return Text(text, style={"better": "green", "worse": "red", "same": "dim"}.get(text, ""))


def _draw_pair_figures(page: Page, report: Report) -> None:
    rows = figures.pair_figures(report)
    if rows:
        page.line()
        columns = [Column("of the pair", least=12), Column("value", number=True), Column("rests on", whole=True)]
        page.table(columns, [[_label(page, row.metric), row.value, row.basis] for row in rows])


def _draw_notes(page: Page, report: Report) -> None:
    noted = figures.notes(report)
    if noted:
        page.line()
        page.pairs([(name(label), sentence(note)) for label, note in noted])


def _draw_worst_classes(page: Page, report: Report) -> None:
    for table in worst_classes(report):
        by = {Of.DELTA: "difference of "}.get(table.shown_by, "")
        _part(page, f"Worst classes by {by}{name(table.metric)}: {len(table.rows)} of {table.classes:,}")
        _draw_rows(page, "class", list(table.rows))


def _draw_exhibit(page: Page, exhibit: Exhibit) -> None:
    _part(page, name(exhibit.title, 100))
    if not isinstance(exhibit, Table):
        page.line("A picture; it stands in the JSON report.", style="dim", indent=2)
    else:
        _draw_table(page, exhibit)
    if exhibit.caption:
        page.line(sentence(exhibit.caption), style="dim", indent=2)


def _draw_table(page: Page, table: Table) -> None:
    """Draw the rows and columns that the page has room for, and say how many it has not."""
    fitting = _fitting(table, page.width - 2)
    if 2 * fitting <= len(table.columns):
        size = f"{counted(len(table.rows), 'row')} of {counted(len(table.columns), 'column')}"
        page.line(f"A table of {size}, too wide for this page; it stands in the JSON report.", style="dim", indent=2)
        return
    rows = [row[:fitting] for row in figures.cells(table, _shown(table))]
    columns = [
        Column(title, number=not any(isinstance(row[index], str) for row in rows))
        for index, title in enumerate(_heads(table)[:fitting])
    ]
    page.table(columns, [[_cell(value) for value in row] for row in rows])
    missing = ((len(table.rows) - len(rows), "row"), (len(table.columns) - fitting, "column"))
    told = " and ".join(counted(number, noun) for number, noun in missing if number)
    if told:
        page.line(f"and {told} more, in the JSON report", style="dim", indent=2)


def _fitting(table: Table, room: int) -> int:
    """Return how many columns from the left fit."""
    ends = accumulate(width + 2 for width in _widths(table))
    return sum(end - 2 <= room for end in ends)


def _shown(table: Table) -> int:
    """Return how many rows are drawn: a line that says how many are left out takes the place of no row or two."""
    return len(table.rows) if len(table.rows) <= MOST_ROWS + 2 else MOST_ROWS


def _contents(table: Table) -> list[int]:
    """Return the columns of text that the cells of each column need."""
    rows = [[_cell(value) for value in row] for row in figures.cells(table, _shown(table))]
    return [max((Text(row[index]).cell_len for row in rows), default=0) for index in range(len(table.columns))]


def _heads(table: Table) -> list[str]:
    """Return the titles, on several lines where they are wider than what stands under them."""
    widths = [max(width, LEAST_HEAD) for width in _contents(table)]
    titles = [name(title, 30) for title in table.columns]
    wrapped = [
        textwrap.wrap(title, width, break_long_words=False, break_on_hyphens=False)
        for title, width in zip(titles, widths, strict=True)
    ]
    return ["\n".join(lines) for lines in wrapped]


def _widths(table: Table) -> list[int]:
    """Return the columns of text that each column needs."""
    heads = [max(Text(line).cell_len for line in f"{head}\n".split("\n")) for head in _heads(table)]
    return [max(pair) for pair in zip(heads, _contents(table), strict=True)]


def _cell(value: str | float | int | None) -> str:
    if isinstance(value, str):
        return name(value, 30)
    return format_quantity(value, Unit.COUNT if isinstance(value, int) else Unit.SCORE)


def _draw_findings(page: Page, report: Report) -> None:
    found = figures.findings(report)
    if found:
        _part(page, f"Findings: {len(found)}")
    for finding in found:
        place = f" ({name(finding.location, 100)})" if finding.location else ""
        head = Text.assemble((finding.severity.name.lower(), "bold"), f"  {name(finding.rule)}{place}")
        page.line(head, indent=4)
        page.line(sentence(finding.message), indent=6)
        if finding.advice:
            page.line(f"advice: {sentence(finding.advice)}", style="dim", indent=6)


def _draw_gaps(page: Page, report: Report) -> None:
    """Draw what was not measured: the checks, and the images that could not be read."""
    missing = figures.not_measured(report)
    if missing:
        _part(page, "Not measured")
        page.pairs(
            [
                (name(entry.check), f"{entry.outcome.value}: {sentence(entry.reason or 'no reason given')}")
                for entry in missing
            ],
            indent=4,
        )
    unreadable = report.data.unreadable if report.data else ()
    if unreadable:
        _part(page, f"Unreadable images: {len(unreadable):,}")
        page.line(", ".join(name(image) for image in unreadable[:MOST_ROWS]), indent=4)
        if len(unreadable) > MOST_ROWS:
            page.line(f"and {len(unreadable) - MOST_ROWS:,} more, named in the JSON report", style="dim", indent=4)


def draw_provenance(page: Page, report: Report) -> None:
    """Draw the rules in words, the digests, where it ran and the command that repeats it."""
    page.heading("To repeat it")
    environment = report.environment
    machine = f"{environment.processor}, {counted(environment.cores, 'core')}, {environment.memory / 1e9:.1f} GB"
    if report.verdict.rulings:
        page.line("The rules in words", style="bold", indent=2)
        words = [(name(ruling.rule, 36), sentence(ruling.words)) for ruling in report.verdict.rulings]
        page.pairs(words, indent=4)
        page.line()
    page.line("Digests (sha256)", style="bold", indent=2)
    for label, digest in figures.digests(report):
        page.unbroken(f"{name(digest, 64)}  {name(label)}", indent=4 if page.width >= _INDENTED_FROM else 0)
    _part(page, "Where and when")
    started = report.started.isoformat(sep=" ", timespec="seconds")
    page.pairs(
        [
            ("started", f"{started}, took {report.seconds:.1f} s, seed {report.seed}"),
            ("machine", name(f"{machine} · {environment.platform}", 300)),
            ("software", sentence(figures.software(report))),
        ],
        indent=4,
    )
    _part(page, "Command")
    page.unbroken(plain(shlex.join(figures.command(report))), indent=4)
